"""What a run learns from: a shop's products and photos, read once at its beginning."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from catalog.models import ProductImage


@dataclass(frozen=True)
class ManifestPhoto:
    pk: int
    sha256: str
    path: str  # in the photo storage
    filename: str
    product_pk: int
    sku: str
    learned: bool = False  # an external trainer is told which photos its backbone has learned from

    def as_json(self, reason: str) -> dict:
        """How a photo that was set aside is remembered on its run."""
        return {
            "photo": self.pk,
            "filename": self.filename,
            "product": self.product_pk,
            "sku": self.sku,
            "reason": reason,
        }


@dataclass(frozen=True)
class ManifestProduct:
    pk: int
    sku: str
    name: str


@dataclass(frozen=True)
class Manifest:
    products: tuple[ManifestProduct, ...]
    photos: tuple[ManifestPhoto, ...]

    def answers_by_photo(self, answers: np.ndarray) -> dict[str, list[int]]:
        """(N,) class answered for each photo by a head without it, or -1, as a version keeps it."""
        return {
            str(photo.pk): [photo.product_pk, self.products[answer].pk]
            for photo, answer in zip(self.photos, answers.tolist(), strict=True)
            if answer >= 0
        }

    @cached_property
    def labels(self) -> np.ndarray:
        """(N,) int64: the class of each photo, an index into `products`."""
        index = {product.pk: number for number, product in enumerate(self.products)}
        return np.array([index[photo.product_pk] for photo in self.photos], np.int64)

    @cached_property
    def copies(self) -> dict[str, list[ManifestPhoto]]:
        """sha256 to the photos of these bytes: more than one where several products have the same photo."""
        by_sha256: dict[str, list[ManifestPhoto]] = {}
        for photo in self.photos:
            by_sha256.setdefault(photo.sha256, []).append(photo)
        return by_sha256

    def without(self, photo_pks: set[int]) -> "Manifest":
        """This manifest less some photos, and less the products that then have none."""
        photos = tuple(photo for photo in self.photos if photo.pk not in photo_pks)
        left = {photo.product_pk for photo in photos}
        return Manifest(tuple(product for product in self.products if product.pk in left), photos)

    def unseen_by(self, learned: frozenset[str]) -> np.ndarray | None:
        """(N,) bool, photos whose SHA-256 is not among those that a backbone learned; None if that is all."""
        unseen = np.array([photo.sha256 not in learned for photo in self.photos], bool)
        return None if unseen.all() else unseen

    @property
    def learned(self) -> frozenset[str]:
        """SHA-256 of the photos that a manifest file says its backbone has learned from."""
        return frozenset(photo.sha256 for photo in self.photos if photo.learned)

    def spread(self, count: int) -> list[ManifestPhoto]:
        """Up to `count` photos, evenly spread."""
        step = max(len(self.photos) // count, 1)
        return list(self.photos[::step])[:count]

    def describe_missing(self) -> str:
        """Why these photos make no model yet."""
        if not self.products:
            return "There are no usable photos yet. Add photos of at least two products."
        return f"Only {self.products[0].name} has a usable photo. Add photos of at least one more product."


def read_manifest(shop_id: int) -> Manifest:
    """Read all photos of a shop with their products, in two queries' time and a fixed order.

    Products that are switched off are learned too: switching one on again then takes effect at once. They are
    left out of answers by `recognition`.
    """
    rows = (
        ProductImage.objects.filter(product__shop_id=shop_id)
        .order_by("product_id", "position", "pk")
        .values_list("pk", "sha256", "image", "filename", "product_id", "product__sku", "product__name")
    )
    products: dict[int, ManifestProduct] = {}
    photos = []
    for pk, sha256, path, filename, product_pk, sku, name in rows.iterator(chunk_size=5000):
        products.setdefault(product_pk, ManifestProduct(product_pk, sku, name))
        photos.append(ManifestPhoto(pk, sha256, path, filename, product_pk, sku))
    return Manifest(tuple(products.values()), tuple(photos))
