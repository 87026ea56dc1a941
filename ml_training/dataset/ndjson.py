"""A run's manifest as lines of JSON: a header, then one product with its photos on each line.

It is kept beside the run's model files for as long as an external trainer has the run: what comes back is
judged by what was given.
"""

import json
from collections.abc import Callable, Iterable, Iterator

from ml_training.dataset.manifest import Manifest, ManifestPhoto, ManifestProduct

NAME = "manifest.ndjson"
FORMAT = "shelfsight-manifest/1"


class ManifestUnreadable(ValueError):
    """Raised when lines are no manifest; says which line."""


def write_lines(
    manifest: Manifest,
    about: dict,
    url_of: Callable[[ManifestPhoto], str],
    learned: frozenset[str] = frozenset(),
) -> Iterator[bytes]:
    """Write a manifest.

    Args:
        about: joins the header, such as the shop and the run.
        url_of: where a photo's file is fetched.
        learned: SHA-256 of photos that the backbone has learned from: a head must not be judged by them.
    """
    counts = {"products": len(manifest.products), "photos": len(manifest.photos)}
    yield as_line({"format": FORMAT, **about, **counts})
    photos: dict[int, list[ManifestPhoto]] = {}
    for photo in manifest.photos:
        photos.setdefault(photo.product_pk, []).append(photo)
    for product in manifest.products:
        images = [
            {"id": photo.pk, "url": url_of(photo), "filename": photo.filename, "sha256": photo.sha256}
            | ({"learned": True} if photo.sha256 in learned else {})
            for photo in photos[product.pk]
        ]
        yield as_line({"id": product.pk, "sku": product.sku, "name": product.name, "images": images})


def read_lines(lines: Iterable[bytes | str]) -> Manifest:
    """Read a manifest; each photo's `path` is its URL.

    Raises:
        ManifestUnreadable: a line is not what it should be, or lines are missing.
    """
    products, photos, header = [], [], None
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            if header is None:
                header = _header(entry)
                continue
            product = ManifestProduct(int(entry["id"]), str(entry["sku"]), str(entry["name"]))
            photos += [_photo(image, product) for image in entry["images"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ManifestUnreadable(f"Line {number} of the manifest cannot be read: {error}") from error
        products.append(product)
    if header is None or (len(products), len(photos)) != header:
        raise ManifestUnreadable("The manifest is cut off.")
    return Manifest(tuple(products), tuple(photos))


def _header(entry: dict) -> tuple[int, int]:
    if entry["format"] != FORMAT:
        raise ValueError(f"its format is {entry['format']!r}, not {FORMAT!r}")
    return entry["products"], entry["photos"]


def _photo(image: dict, product: ManifestProduct) -> ManifestPhoto:
    sha256 = image["sha256"]
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):  # it becomes a file's name
        raise ValueError(f"{sha256!r} is no SHA-256")
    about = int(image["id"]), sha256, str(image["url"]), str(image["filename"])
    return ManifestPhoto(*about, product.pk, product.sku, image.get("learned") is True)


def as_line(value: dict) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
