"""What a trainer keeps: a few open backbones in memory, some more on its disk with their photos' vectors.

The disk's part may be deleted at any time: what is missing is fetched and embedded again.
"""

import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cachetools import LRUCache

from ml_training.recognizer.backbone import Backbone, file_sha256
from ml_training.recognizer.embedder import Embedder
from ml_training.recognizer.files import PART, write_atomically
from ml_training.trainer.jobs import Job
from ml_training.trainer.vectors import FolderOfVectors

logger = logging.getLogger(__name__)
# docs/external-trainer.md names these limits.
MAX_OPEN = 4  # backbones in memory
MAX_BACKBONES = 8  # on disk, the last used
MAX_VECTORS = 200_000  # of one backbone, the last written: 1.5 GB
ABANDONED_SECONDS = 24 * 3600  # after which nobody writes a file any more that is not whole


class BackboneCache:
    """Calling it from several threads is safe."""

    def __init__(self, folder: Path, threads: int):
        self._backbones, self._vectors, self._threads = folder / "backbones", folder / "vectors", threads
        self._open: LRUCache[str, Embedder] = LRUCache(MAX_OPEN)  # by the backbone's SHA-256, as the next
        self._in_use: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def use(self, job: Job, fetch: Callable[[], bytes]) -> Iterator[tuple[Embedder, FolderOfVectors]]:
        """Open the backbone of a job, which stays on disk until the block ends; then what is old goes.

        Args:
            fetch: gets the backbone's file, if it is not there yet.
        """
        sha256 = job.backbone_sha256
        with self._lock:
            self._in_use[sha256] += 1
        try:
            yield self._embedder(job, fetch), FolderOfVectors(self._vectors, sha256, job.vector_size)
        finally:
            with self._lock:
                self._in_use[sha256] -= 1
                self._prune()

    def _embedder(self, job: Job, fetch: Callable[[], bytes]) -> Embedder:
        sha256 = job.backbone_sha256
        path = self._backbones / f"{sha256}.onnx"
        with self._lock:
            if sha256 not in self._open:
                if not path.exists() or file_sha256(path) != sha256:
                    write_atomically(path, fetch())
                backbone = Backbone(job.backbone_id, path, sha256, job.preprocessing, job.vector_size)
                self._open[sha256] = Embedder(backbone, self._threads)
            if path.exists():
                path.touch()  # the last used is the newest
            return self._open[sha256]

    def _prune(self) -> None:
        try:
            kept = self._prune_backbones()
            for folder in self._vectors.iterdir() if self._vectors.exists() else []:
                if folder.name not in {FolderOfVectors.name_of(sha256) for sha256 in kept}:
                    shutil.rmtree(folder)
            for sha256 in kept:
                FolderOfVectors(self._vectors, sha256).prune(MAX_VECTORS)
        except OSError:  # the next job tries again
            logger.exception("What is old in %s could not be removed.", self._backbones.parent)

    def _prune_backbones(self) -> set[str]:
        """Remove all but the newest; the SHA-256 of those that stay."""
        abandoned = time.time() - ABANDONED_SECONDS
        for part in self._backbones.glob(f"*{PART}"):
            if part.stat().st_mtime < abandoned:
                part.unlink(missing_ok=True)
        newest = sorted(self._backbones.glob("*.onnx"), key=lambda path: -path.stat().st_mtime)
        kept = {path.stem for path in newest[:MAX_BACKBONES]} | set(+self._in_use)
        for path in newest:
            if path.stem not in kept:
                path.unlink(missing_ok=True)
        return kept
