"""Photos' vectors on the trainer's disk: a photo is fetched and embedded once, whichever project sends it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ml_training.recognizer.embedder import Embedded
from ml_training.recognizer.files import write_atomically


class FolderOfVectors:
    """One file a photo, named by the SHA-256 of its bytes, below a folder of the backbone's SHA-256.

    It has the vector, float32, and after it what each look saw, float16, where the backbone tells.
    """

    def __init__(self, root: Path, backbone_sha256: str, vector_size: int = 0):
        self._folder, self._size = root / self.name_of(backbone_sha256), vector_size

    @staticmethod
    def name_of(backbone_sha256: str) -> str:
        return backbone_sha256[:16]

    def get(self, hashes: list[str]) -> dict[str, np.ndarray]:
        return {sha256: embedded.vector for sha256, embedded in self._read(hashes)}

    def note(self, sha256: str, pixels: np.ndarray) -> None:
        """A photo's quality is of no use here: the project advises its people."""

    def looks(self, hashes: list[str]) -> dict[str, np.ndarray]:
        return {
            sha256: embedded.looks for sha256, embedded in self._read(hashes) if embedded.looks is not None
        }

    def keep(self, photos: dict[str, Embedded]) -> None:
        for sha256, embedded in photos.items():
            looks = b"" if embedded.looks is None else embedded.looks.astype("<f2").tobytes()
            write_atomically(self._path(sha256), embedded.vector.astype("<f4").tobytes() + looks)

    def _read(self, hashes: list[str]) -> Iterator[tuple[str, Embedded]]:
        """Those that are there; a file of another length is none."""
        for sha256 in hashes:
            try:
                content = self._path(sha256).read_bytes()
            except FileNotFoundError:
                continue
            vector, looks = content[: 4 * self._size], content[4 * self._size :]
            if self._size and len(vector) == 4 * self._size and len(looks) % (2 * self._size) == 0:
                of_looks = np.frombuffer(looks, "<f2").reshape(-1, self._size) if looks else None
                yield sha256, Embedded(np.frombuffer(vector, "<f4"), of_looks)

    def forget(self, hashes: list[str]) -> None:
        for sha256 in hashes:
            self._path(sha256).unlink(missing_ok=True)

    def prune(self, limit: int) -> None:
        """Remove the oldest files where there are more than `limit`."""
        paths = [*self._folder.glob("*/*")]
        if len(paths) > limit:
            paths.sort(key=lambda path: path.stat().st_mtime)
            for path in paths[: len(paths) - limit]:
                path.unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256
