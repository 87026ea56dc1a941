"""The vectors of a shop's photos: read from the table, computed where they are missing."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from typing import Protocol

import numpy as np
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from PIL import Image

from catalog.photo_files import PhotoRefused, open_upright
from ml_training.dataset.manifest import Manifest, ManifestPhoto
from ml_training.models import ImageEmbedding
from ml_training.recognizer.covariance import Looks, rows_of_few
from ml_training.recognizer.embedder import Embedded, Embedder, embed_all
from ml_training.recognizer.preprocess import Preprocessing, to_pixels
from ml_training.recognizer.quality import Quality, measure_quality

QUALITY = [fact.name for fact in fields(Quality)]  # columns of ImageEmbedding
FILE_CHANGED = "The stored file has changed since it was added. Delete this photo and add it again."
FILE_ABSENT = (
    "The photo's file is missing on the computer that trains. If the photo is shown on its product, the "
    "computers do not share their photos: tell whoever runs the site. If not, add it again."
)
CHUNK = 500  # hashes in one query, vectors in one insert


def read_pixels(copies: Sequence[ManifestPhoto], preprocessing: Preprocessing) -> np.ndarray:
    """Read a stored photo as a backbone sees it.

    Args:
        copies: photos of the same bytes, on one product or several; any good file among theirs will do.
    Returns:
        (V, side, side, 3) uint8.
    Raises:
        PhotoRefused, OSError: no file is there, or is what was added, or can be decoded.
    """
    return to_pixels(open_upright(_read_one(copies), preprocessing.decode_side), preprocessing)


def read_original(copies: Sequence[ManifestPhoto], least_side: int) -> Image.Image:
    """Read a stored photo upright and in RGB; a large one at a part of its size.

    Raises:
        PhotoRefused, OSError: as `read_pixels`.
    """
    return open_upright(_read_one(copies), least_side)


def _read_one(copies: Sequence[ManifestPhoto]) -> bytes:
    refusal: Exception = FileNotFoundError()
    for photo in copies:
        try:
            with default_storage.open(photo.path, "rb") as file:
                data = file.read()
        except OSError as error:
            refusal = error
            continue
        if hashlib.sha256(data).hexdigest() == photo.sha256:
            return data
        refusal = PhotoRefused(FILE_CHANGED)
    raise refusal


def read_some(
    photos: Sequence[ManifestPhoto], embedder: Embedder, vectors: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Read photos to check a model on. Files that vanished since they were looked at are passed over.

    Returns:
        (N, V, side, side, 3) uint8 pixels and (N, D) float32 vectors; of noise if no file is left.
    """
    preprocessing = embedder.backbone.preprocessing
    pixels, of_photos = [], []
    for photo in photos:
        with contextlib.suppress(PhotoRefused, OSError):
            pixels.append(read_pixels([photo], preprocessing))
            of_photos.append(vectors[photo.sha256])
    if not of_photos:
        noise = np.random.default_rng(0).integers(0, 256, (1, *preprocessing.shape), np.uint8)
        return noise, embedder.embed(noise)
    return np.stack(pixels), np.stack(of_photos)


class VectorStore(Protocol):
    """Where vectors are kept: the table here, a folder at an external trainer."""

    def get(self, hashes: list[str]) -> dict[str, np.ndarray]:
        """Those that are there: sha256 to (D,) float32."""

    def note(self, sha256: str, pixels: np.ndarray) -> None:
        """See a photo's (V, side, side, 3) pixels while they are at hand; called in other threads."""

    def looks(self, hashes: list[str]) -> dict[str, np.ndarray]:
        """Those of which it is kept what each look saw: sha256 to (V, D) float16."""

    def keep(self, photos: dict[str, Embedded]) -> None:
        """Keep what a backbone said of photos that were noted."""

    def forget(self, hashes: list[str]) -> None:
        """Remove those of photos that were found bad."""


Read = Callable[[Sequence[ManifestPhoto], Preprocessing], np.ndarray]


def load_embeddings(
    embedder: Embedder,
    manifest: Manifest,
    on_progress: Callable[[float], None],
    fresh: bool = False,
    store: VectorStore | None = None,
    read: Read = read_pixels,
) -> tuple[dict[str, np.ndarray], list[tuple[ManifestPhoto, str]]]:
    """Get the vector of every photo of a manifest.

    Args:
        fresh: look at every photo again instead of using vectors that are there.
        store: where vectors are kept; an `EmbeddingTable` if none is given.
        read: reads a photo, as `read_pixels` does.
    Returns:
        sha256 to (D,) float32 vector, and the photos set aside, each with the reason.
    Effects:      ImageEmbedding rows for photos seen for the first time; none for photos set aside.
    Repeatable:   yes; a second call computes nothing.
    """
    store = store or EmbeddingTable(embedder.backbone.id)
    vectors = {} if fresh else store.get([*manifest.copies])
    missing = [copies for sha256, copies in manifest.copies.items() if sha256 not in vectors]
    new, reasons = _embed_missing(embedder, missing, on_progress, store, read)
    if fresh:
        store.forget([*reasons])
    set_aside = [(photo, reasons[photo.sha256]) for photo in manifest.photos if photo.sha256 in reasons]
    return vectors | new, set_aside


def _embed_missing(
    embedder: Embedder,
    missing: list[list[ManifestPhoto]],
    on_progress: Callable[[float], None],
    store: VectorStore,
    read: Read,
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Embed photos, each given with its copies; the vectors, which are kept, and why others have none."""
    vectors: dict[str, np.ndarray] = {}
    unkept: dict[str, Embedded] = {}
    reasons: dict[str, str] = {}

    def read_and_note(copies: Sequence[ManifestPhoto]) -> np.ndarray:
        pixels = read(copies, embedder.backbone.preprocessing)
        store.note(copies[0].sha256, pixels)
        return pixels

    for done, (copies, embedded, error) in enumerate(embed_all(embedder, missing, read_and_note), start=1):
        if embedded is None:
            reasons[copies[0].sha256] = _reason(error)
        else:
            vectors[copies[0].sha256] = embedded.vector
            unkept[copies[0].sha256] = embedded
        if len(unkept) >= CHUNK:
            store.keep(unkept)
            unkept = {}
        on_progress(done / len(missing))
    store.keep(unkept)
    return vectors, reasons


def looks_of_few(store: VectorStore, usable: Manifest) -> Looks | None:
    """Read the looks at the photos of products that have few; None where none are known.

    Args:
        store: has vectors of all photos of the manifest.
    """
    photos = usable.photos
    rows = rows_of_few(usable.labels)
    known = store.looks([photos[row].sha256 for row in rows])
    rows = np.array([row for row in rows if photos[row].sha256 in known], np.int64)
    if not len(rows):
        return None
    return Looks(np.stack([known[photos[row].sha256] for row in rows]).astype(np.float32), rows)


def _reason(error: Exception | None) -> str:
    if isinstance(error, PhotoRefused):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return FILE_ABSENT
    if isinstance(error, OSError):
        return f"The photo's file cannot be read ({error.strerror}). Check the storage, then prepare again."
    raise error or RuntimeError("A photo was neither embedded nor refused.")


class EmbeddingTable:
    """The table of vectors of one backbone, with what the pixels said of the photo's quality."""

    def __init__(self, backbone_id: str):
        self.backbone_id = backbone_id
        self._qualities: dict[str, Quality] = {}  # of photos that are not kept yet

    def note(self, sha256: str, pixels: np.ndarray) -> None:
        """Measure a photo while its pixels are at hand; called in other threads."""
        self._qualities[sha256] = measure_quality(pixels)

    def get(self, hashes: list[str]) -> dict[str, np.ndarray]:
        return stored_vectors(self.backbone_id, hashes)

    def looks(self, hashes: list[str]) -> dict[str, np.ndarray]:
        found = {}
        for rows in _some_rows(self.backbone_id, hashes):
            known = rows.filter(looks__isnull=False).values_list("sha256", "vector", "looks")
            for sha256, vector, looks in known:
                found[sha256] = np.frombuffer(looks or b"", "<f2").reshape(-1, len(vector) // 4)
        return found

    def keep(self, photos: dict[str, Embedded]) -> None:
        rows = [
            ImageEmbedding(
                sha256=sha256,
                backbone=self.backbone_id,
                vector=embedded.vector.astype("<f4").tobytes(),
                looks=None if embedded.looks is None else embedded.looks.astype("<f2").tobytes(),
                **asdict(self._qualities.pop(sha256)),
            )
            for sha256, embedded in photos.items()
        ]
        ImageEmbedding.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["backbone", "sha256"],
            update_fields=["vector", "looks", *QUALITY],
        )

    def forget(self, hashes: list[str]) -> None:
        """Photos that were found bad stay aside in the runs that follow."""
        for rows in _some_rows(self.backbone_id, hashes):
            rows.delete()


def count_stored(backbone_id: str, hashes: list[str]) -> int:
    """How many of these photos have a vector."""
    return sum(rows.count() for rows in _some_rows(backbone_id, hashes))


def stored_vectors(backbone_id: str, hashes: list[str]) -> dict[str, np.ndarray]:
    """Read the vectors that are there: sha256 to (D,) float32."""
    vectors = {}
    for rows in _some_rows(backbone_id, hashes):
        for sha256, vector in rows.values_list("sha256", "vector"):
            vectors[sha256] = np.frombuffer(vector, "<f4")
    return vectors


def _some_rows(backbone_id: str, hashes: list[str]) -> Iterator[QuerySet[ImageEmbedding]]:
    """The rows of these photos, not too many in one query."""
    for start in range(0, len(hashes), CHUNK):
        yield ImageEmbedding.objects.filter(backbone=backbone_id, sha256__in=hashes[start : start + CHUNK])
