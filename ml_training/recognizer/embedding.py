"""Computes the vector of a photo with ONNX Runtime.

Called by training and serving. A session starts threads, so it is opened inside the process that computes,
never before a fork.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np

from ml_training.recognizer.backbone import Backbone

BATCH = 32  # photos


class Embedder:
    """An open backbone. Calling it is thread-safe."""

    def __init__(self, backbone: Backbone, threads: int = 2):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A thread that waits sleeps: a web server and a worker share a small machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.backbone = backbone
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


def embed_all(embedder: Embedder, sources: Sequence, read, threads: int = 2) -> Iterator[tuple]:
    """Embed many photos while the next ones are being decoded.

    Args:
        read: called with one source in another thread; returns (V, side, side, 3) uint8 or raises.
        threads: how many photos are decoded at once.
    Yields:
        (source, (D,) float32 vector or None, error or None), in the order of `sources`.
    """
    queue = iter(sources)
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        waiting = [(source, pool.submit(read, source)) for source in islice(queue, 2 * BATCH)]
        while waiting:
            batch, waiting = waiting[:BATCH], waiting[BATCH:]
            outcomes = [(source, future, future.exception()) for source, future in batch]
            waiting += [(source, pool.submit(read, source)) for source in islice(queue, BATCH)]
            good = [future.result() for _, future, error in outcomes if error is None]
            vectors = iter(embedder.embed(np.stack(good)) if good else ())
            for source, _, error in outcomes:
                yield source, (None if error else next(vectors)), error
