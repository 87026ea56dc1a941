"""Says how much more would be right of a product's photos, were more of them taken.

docs/advice.md says how well the ranking it makes does.
"""

import numpy as np

MORE = 10  # photos
# Errors fall with the number of photos as its power: measured between 3 and all photos a product.
POWER = 0.3
TRUST = 3  # photos by which a product is taken to be like the shop, until its own outweigh them
MIN_RIGHT = 0.05  # share; of what nothing is known, something is right


def expected_gains(photos: np.ndarray, judged: np.ndarray, right: np.ndarray, more: int = MORE) -> np.ndarray:
    """Estimate what `more` photos of each product would be worth.

    Args:
        photos: (C,) how many each product has; may be 0.
        judged: (C,) how many of them were held out and tried.
        right: (C,) how many of these were answered rightly.
    Returns:
        (C,) shares of photos of the product from elsewhere that would be right and are not now.
    """
    errors = expected_errors(photos, judged, right)
    fewer = (np.maximum(photos, 1) / (np.maximum(photos, 1) + more)) ** POWER
    gains = errors * (1 - fewer)
    new = photos == 0
    gains[new] = 1 - _errors_like_the_shop(np.full(len(photos), more), photos, judged, right)[new]
    return gains


def expected_errors(photos: np.ndarray, judged: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(C,) shares of photos of each product from elsewhere that are not right: all where it has no photo."""
    usual = _errors_like_the_shop(photos, photos, judged, right)
    errors = (judged - right + TRUST * usual) / (judged + TRUST)
    errors[photos == 0] = 1.0
    return errors


def _errors_like_the_shop(
    sizes: np.ndarray, photos: np.ndarray, judged: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """(C,) errors of an ordinary product of this shop with these numbers of photos."""
    tried = judged > 0
    if not tried.any():
        return np.full(len(sizes), 0.5)
    wrong = 1 - float((right[tried] / judged[tried]).mean())
    middle = float(np.median(photos[tried]))
    return np.clip(wrong * (middle / np.maximum(sizes, 1)) ** POWER, 0, 1 - MIN_RIGHT)
