"""Computes the vector of a photo with ONNX Runtime.

A session starts threads, so it is opened inside the process that computes, never before a fork.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np

from ml_training.recognizer.backbone import Backbone

AHEAD = 4  # photos for each thread that are begun before the first of them is asked for


Source = TypeVar("Source")  # what a caller reads a photo from


class Embedder:
    """An open backbone. Calling it is thread-safe."""

    def __init__(self, backbone: Backbone, threads: int = 2):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A thread that waits sleeps: a web server and a worker share a small machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.backbone, self.threads = backbone, threads
        self._session = onnxruntime.InferenceSession(
            backbone.path, options, providers=["CPUExecutionProvider"]
        )

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """Embed photos that are preprocessed already.

        Args:
            pixels: (N, V, side, side, 3) uint8.
        Returns:
            (N, D) float32, L2-normalised rows, same order.
        """
        (vectors,) = self._session.run(["vectors"], {"pixels": pixels})
        return vectors


def embed_all(
    embedder: Embedder, sources: Sequence[Source], read: Callable[[Source], np.ndarray]
) -> Iterator[tuple[Source, np.ndarray | None, Exception | None]]:
    """Embed many photos, one on each of the embedder's threads at a time.

    That is as quick as batches are, and takes a small part of their memory (docs/benchmarks.md).

    Args:
        read: called with one source in another thread; returns (V, side, side, 3) uint8 or raises.
    Yields:
        (source, (D,) float32 vector or None, error or None), in the order of `sources`.
    """

    def embed_one(source: Source) -> tuple[Source, np.ndarray | None, Exception | None]:
        try:
            pixels = read(source)
        except Exception as error:  # noqa: BLE001 (handed to the caller, who decides)
            return source, None, error
        return source, embedder.embed(pixels[None])[0], None

    queue = iter(sources)
    with ThreadPoolExecutor(embedder.threads, thread_name_prefix="embed") as pool:
        ahead = deque(pool.submit(embed_one, source) for source in islice(queue, AHEAD * embedder.threads))
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(embed_one, source) for source in islice(queue, 1))
