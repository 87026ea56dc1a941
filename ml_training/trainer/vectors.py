"""Photos' vectors on the trainer's disk: a photo is fetched and embedded once, whichever project sends it."""

from pathlib import Path

import numpy as np

from ml_training.recognizer.files import write_atomically


class FolderOfVectors:
    """One file a photo, named by the SHA-256 of its bytes, below a folder of the backbone's SHA-256."""

    def __init__(self, root: Path, backbone_sha256: str, vector_size: int = 0):
        self._folder, self._bytes = root / self.name_of(backbone_sha256), 4 * vector_size

    @staticmethod
    def name_of(backbone_sha256: str) -> str:
        return backbone_sha256[:16]

    def get(self, hashes: list[str]) -> dict[str, np.ndarray]:
        vectors = {}
        for sha256 in hashes:
            try:
                content = self._path(sha256).read_bytes()
            except FileNotFoundError:
                continue
            if len(content) == self._bytes:
                vectors[sha256] = np.frombuffer(content, "<f4")
        return vectors

    def note(self, sha256: str, pixels: np.ndarray) -> None:
        """A photo's quality is of no use here: the project advises its people."""

    def keep(self, vectors: dict[str, np.ndarray]) -> None:
        for sha256, vector in vectors.items():
            write_atomically(self._path(sha256), vector.astype("<f4").tobytes())

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
