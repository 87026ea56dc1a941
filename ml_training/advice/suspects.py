"""Photos of a shop that look wrong, each with its reason: wrong product, same picture twice, bad picture.

The numbers come from `recognizer.outliers` and `recognizer.quality`; nothing is embedded here: photos without
a stored vector are not judged.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from catalog.formatting import percent, thousands
from catalog.models import ProductImage, Shop
from ml_training.dataset.embeddings import QUALITY
from ml_training.dataset.manifest import Manifest, ManifestPhoto
from ml_training.models import ImageEmbedding, ModelVersion
from ml_training.recognizer import quality
from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.outliers import find_copies, find_outliers
from ml_training.recognizer.quality import Quality
from ml_training.versions.load import NO_MODEL, active_model

logger = logging.getLogger(__name__)
# What is wrong with a photo; the names are part of the API.
MODEL = "model"  # the model answers another product, surely
OUTLIER = "stranger"  # it looks more like another product
SAME_FILE = "same_file"  # another product has the same picture
COPY = "copy"  # the same product has the same picture
KINDS = (MODEL, OUTLIER, SAME_FILE, COPY, quality.SMALL, quality.DARK, quality.BLURRED)
SURE = 0.8  # probability of another product, from which on a photo is suspect
HARDLY = 0.1  # probability of its own product, up to which it is
FAULTS = {
    quality.SMALL: "The product is small in the frame. Step closer, or cut the photo.",
    quality.DARK: "Too dark. Take it again with more light.",
    quality.BLURRED: "Blurred, or too few pixels: hardly any detail can be seen.",
}


@dataclass(frozen=True)
class Suspect:
    """One photo that looks wrong, for one reason, the gravest there is."""

    photo: int
    product: int
    kind: str  # one of KINDS
    other: int | None = None  # a photo to compare it with
    other_product: int | None = None
    sureness: float = 0.0  # orders photos of one kind; of MODEL: the probability
    group: int = 1  # how many nearly equal pictures there are; of COPY
    leads: bool = True  # false for all of a group but one

    @classmethod
    def of(cls, photo: ManifestPhoto, kind: str, other: ManifestPhoto, **more: Any) -> Self:
        """A photo to compare with another one, whichever product that is on."""
        return cls(photo.pk, photo.product_pk, kind, other.pk, other.product_pk, **more)

    def reason(self, other_name: str, other_file: str) -> str:
        """Say in words what is wrong."""
        if self.kind == MODEL:
            return f"The model that serves takes it for {other_name} ({percent(self.sureness)})."
        if self.kind == OUTLIER:
            return f"Looks more like {other_name} than like its own product."
        if self.kind == SAME_FILE:
            return f"Nearly the same picture is on {other_name} too: {other_file}."
        if self.kind == COPY and self.group > 2:
            return f"One of {thousands(self.group)} nearly equal pictures. One of them is enough."
        if self.kind == COPY:
            return f"Nearly the same picture as {other_file}. One of them is enough."
        return FAULTS[self.kind]


def find_suspects(
    shop: Shop, version: ModelVersion | None, manifest: Manifest, backbone: str
) -> list[Suspect]:
    """Look for photos that look wrong, in one query for their vectors.

    Returns:
        One entry a photo, the gravest kinds first.
    """
    photos, vectors, qualities = _stored(shop, manifest, backbone)
    if not photos:
        return []
    labels = np.unique([photo.product_pk for photo in photos], return_inverse=True)[1]
    by_photo: dict[int, Suspect] = {}
    for suspects in (
        _by_model(shop, version, photos, vectors),
        _outliers(photos, vectors, labels),
        _same_files(manifest),
        _copies(photos, vectors, labels),
        _faulty(photos, qualities),
    ):
        for suspect in suspects:
            by_photo.setdefault(suspect.photo, suspect)
    return sorted(by_photo.values(), key=lambda one: (KINDS.index(one.kind), -one.group, -one.sureness))


def _stored(
    shop: Shop, manifest: Manifest, backbone: str
) -> tuple[list[ManifestPhoto], np.ndarray, dict[str, Quality]]:
    """The photos that have vectors, (N, D) float16 vectors to save memory, and what is known of quality."""
    hashes = ProductImage.objects.filter(product__shop=shop).order_by().values("sha256")
    rows = ImageEmbedding.objects.filter(backbone=backbone, sha256__in=hashes)
    place: dict[str, int] = {}
    vectors: np.ndarray | None = None
    qualities: dict[str, Quality] = {}
    for sha256, content, *facts in rows.values_list("sha256", "vector", *QUALITY).iterator(chunk_size=500):
        vector = np.frombuffer(content, "<f4")
        if vectors is None:
            vectors = np.empty((len(manifest.copies), len(vector)), np.float16)
        if len(vector) != vectors.shape[1] or len(place) == len(vectors):
            continue  # damaged, or added this very moment
        vectors[len(place)] = vector
        place[sha256] = len(place)
        if None not in facts:
            qualities[sha256] = Quality(*facts)
    photos = [photo for photo in manifest.photos if photo.sha256 in place]
    if not photos or vectors is None:
        return [], np.empty((0, 0), np.float16), {}
    order = [place[photo.sha256] for photo in photos]
    if order != list(range(len(vectors))):
        vectors = vectors[order]
    return photos, vectors, qualities


def _by_model(
    shop: Shop, version: ModelVersion | None, photos: list[ManifestPhoto], vectors: np.ndarray
) -> Iterator[Suspect]:
    """Photos that the serving version has not learned from, or not on this product, and takes for another.

    They are why a version was held back, if one was. Without a record of what was learned nothing is said.
    """
    answers = version.cross_validated if version else {}
    rows = [n for n, photo in enumerate(photos) if answers.get(str(photo.pk), [0])[0] != photo.product_pk]
    if not answers or not rows:
        return
    try:
        model = active_model(shop)
    except NO_MODEL as error:
        logger.warning("Suspect photos of %s are looked for without its model: %s", shop, error)
        return
    probabilities = softmax(model.head.logits(vectors[rows].astype(np.float32)))  # (R, C)
    index = {int(pk): place for place, pk in enumerate(model.product_pks)}
    covers = {photo.product_pk: photo for photo in reversed(photos)}  # the first of each product
    for row, chances in zip(rows, probabilities, strict=True):
        best, own_class = int(chances.argmax()), index.get(photos[row].product_pk)
        other = int(model.product_pks[best])
        if own_class is None or best == own_class or other not in covers:
            continue
        if chances[best] < SURE or chances[own_class] > HARDLY:
            continue
        yield Suspect.of(photos[row], MODEL, covers[other], sureness=round(float(chances[best]), 4))


def _outliers(photos: list[ManifestPhoto], vectors: np.ndarray, labels: np.ndarray) -> Iterator[Suspect]:
    for outlier in find_outliers(vectors, labels):
        kind = SAME_FILE if outlier.is_copy else OUTLIER
        yield Suspect.of(photos[outlier.row], kind, photos[outlier.nearest], sureness=outlier.score)


def _same_files(manifest: Manifest) -> Iterator[Suspect]:
    """The same bytes on several products: nobody can tell from them which it is."""
    for copies in manifest.copies.values():
        for photo, other in zip(copies, [*copies[1:], copies[0]], strict=True):
            if other is not photo:
                yield Suspect.of(photo, SAME_FILE, other, sureness=10.0)


def _copies(photos: list[ManifestPhoto], vectors: np.ndarray, labels: np.ndarray) -> Iterator[Suspect]:
    for group in find_copies(vectors, labels):
        keep, *others = [photos[row] for row in group]
        for number, photo in enumerate(others):
            yield Suspect.of(photo, COPY, keep, group=len(group), leads=number == 0)


def _faulty(photos: list[ManifestPhoto], qualities: dict[str, Quality]) -> Iterator[Suspect]:
    for photo in photos:
        known = qualities.get(photo.sha256)
        for fault in known.faults() if known else []:
            yield Suspect(photo.pk, photo.product_pk, fault)
