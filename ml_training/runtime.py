"""Opens the recogniser's heavy parts inside the process that computes, once each.

Called by `job`, `serving` and `warmup`, never at import and never before a fork.
"""

import os
import threading

from django.conf import settings

from ml_training.recognizer.backbone import packaged_backbone
from ml_training.recognizer.embedding import Embedder

_open: dict[tuple[int, str], Embedder] = {}  # by process, since a fork must not use its parent's threads
_lock = threading.Lock()


def open_embedder(name: str | None = None) -> Embedder:
    """Return the open backbone of the settings (or of a given name); open it on first use."""
    name = name or settings.BACKBONE
    key = (os.getpid(), name)
    with _lock:
        if key not in _open:
            backbone = packaged_backbone(name, settings.CACHE_DIR)
            _open[key] = Embedder(backbone, settings.COMPUTE_THREADS)
        return _open[key]
