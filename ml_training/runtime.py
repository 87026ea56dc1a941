"""Opens the recogniser's heavy parts inside the process that computes, once each.

Called by `job`, `serving` and `warmup`, never at import and never before a fork.
"""

import os
import threading

from django.conf import settings

from ml_training.recognizer.backbone import PACKAGED, packaged_backbone
from ml_training.recognizer.embedding import Embedder

_open: dict[tuple[int, str], Embedder] = {}  # by process, since a fork must not use its parent's threads
_lock = threading.Lock()


class BackboneMissing(RuntimeError):
    """Raised when a model was made for a backbone that this installation does not have."""


def chosen_backbone() -> str:
    """The id of the backbone that new models are made for."""
    return PACKAGED[settings.BACKBONE].id


def open_embedder_of(backbone_id: str) -> Embedder:
    """Return the open backbone that a model was made for, whatever the settings say now.

    Raises:
        BackboneMissing: there is none of that id any more.
    """
    for name, packaged in PACKAGED.items():
        if packaged.id == backbone_id:
            return open_embedder(name)
    raise BackboneMissing(
        f"This model needs the backbone {backbone_id}, which is gone. It trains anew by itself."
    )


def backbone_is_ready(backbone_id: str) -> bool:
    """Whether its file is there, so that opening it takes no longer than reading it."""
    return (settings.CACHE_DIR / "backbones" / f"{backbone_id}.onnx").exists()


def open_embedder(name: str | None = None) -> Embedder:
    """Return the open backbone of the settings (or of a given name); open it on first use."""
    name = name or settings.BACKBONE
    key = (os.getpid(), name)
    with _lock:
        if key not in _open:
            backbone = packaged_backbone(name, settings.CACHE_DIR)
            _open[key] = Embedder(backbone, settings.COMPUTE_THREADS)
        return _open[key]
