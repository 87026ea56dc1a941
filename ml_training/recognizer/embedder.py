"""Computes the vector of a photo with ONNX Runtime.

A session starts threads, so it is opened inside the process that computes, never before a fork.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np

from ml_training.recognizer.backbone import Backbone

AHEAD = 4  # photos for each thread that are begun before the first of them is asked for


Source = TypeVar("Source")  # what a caller reads a photo from


class Embedded(NamedTuple):
    """What a backbone says of one photo."""

    vector: np.ndarray  # (D,) float32, L2-normalised
    looks: np.ndarray | None = None  # (V, D) float32, what each look saw; None of backbones that do not tell


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
        self._tells_looks = "looks" in {output.name for output in self._session.get_outputs()}

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """Embed photos that are preprocessed already.

        Args:
            pixels: (N, V, side, side, 3) uint8.
        Returns:
            (N, D) float32, L2-normalised rows, same order.
        """
        (vectors,) = self._session.run(["vectors"], {"pixels": pixels})
        return vectors

    def embed_one(self, pixels: np.ndarray) -> Embedded:
        """Embed one photo, (V, side, side, 3) uint8, with its looks where the backbone tells them."""
        outputs = ["vectors", "looks"] if self._tells_looks else ["vectors"]
        return Embedded(*(of_photos[0] for of_photos in self._session.run(outputs, {"pixels": pixels[None]})))


def embed_all(
    embedder: Embedder, sources: Sequence[Source], read: Callable[[Source], np.ndarray]
) -> Iterator[tuple[Source, Embedded | None, Exception | None]]:
    """Embed many photos, one on each of the embedder's threads at a time.

    That is as quick as batches are, and takes a small part of their memory (docs/benchmarks.md).

    Args:
        read: called with one source in another thread; returns (V, side, side, 3) uint8 or raises.
    Yields:
        (source, what the backbone says or None, error or None), in the order of `sources`.
    """

    def embed_one(source: Source) -> tuple[Source, Embedded | None, Exception | None]:
        try:
            pixels = read(source)
        except Exception as error:  # noqa: BLE001 (handed to the caller, who decides)
            return source, None, error
        return source, embedder.embed_one(pixels), None

    queue = iter(sources)
    with ThreadPoolExecutor(embedder.threads, thread_name_prefix="embed") as pool:
        ahead = deque(pool.submit(embed_one, source) for source in islice(queue, AHEAD * embedder.threads))
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(embed_one, source) for source in islice(queue, 1))
