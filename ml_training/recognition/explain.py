"""Shows what an answer rests on: for each product named, the catalogue photo nearest to the one asked of."""

from collections.abc import Iterable

import numpy as np

from catalog.models import ProductImage
from ml_training.dataset.embeddings import stored_vectors

MAX_PHOTOS = 500  # looked at of each product: the newest


def nearest_photos(
    backbone: str, vector: np.ndarray | None, product_pks: Iterable[int]
) -> dict[int, tuple[ProductImage, float]]:
    """Find the nearest photo of each product.

    Args:
        backbone: id of the one that made `vector`.
        vector: (D,) float32, L2-normalised; None where no photo was embedded.
    Returns:
        By product: the photo, and its cosine with the photo asked about. Products without a stored vector are
        left out.
    """
    if vector is None:
        return {}
    nearest = {}
    for product in product_pks:  # one at a time: the vectors of one are enough in memory
        rows = ProductImage.objects.filter(product=product).order_by("-pk")
        hashes = dict(rows.values_list("sha256", "pk")[:MAX_PHOTOS])
        vectors = {
            sha256: known
            for sha256, known in stored_vectors(backbone, [*hashes]).items()
            if known.shape == vector.shape
        }
        if vectors:
            cosines = np.stack([*vectors.values()]) @ vector
            best = int(cosines.argmax())
            nearest[product] = (hashes[[*vectors][best]], round(float(cosines[best]), 4))
    photos = ProductImage.objects.in_bulk([pk for pk, _ in nearest.values()])
    return {product: (photos[pk], cosine) for product, (pk, cosine) in nearest.items() if pk in photos}
