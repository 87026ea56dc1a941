"""News of training. Whoever wants to know connects to `ml_status_changed`; training knows nobody.

Sent by `ml_training.runs.lifecycle` and `versions` after the transaction it tells of has committed.
"""

from dataclasses import dataclass

from django.dispatch import Signal

QUEUED, STARTED, PROGRESS, COMPLETED, FAILED = "queued", "started", "progress", "completed", "failed"
CHANGED = "changed"  # a person or program chose which version serves; the run is that of the version


@dataclass(frozen=True)
class MLStatusEvent:
    shop_id: int
    run_id: int
    kind: str  # queued, started, progress, completed, failed or changed
    progress: float  # in [0, 1]
    phase: str
    message: str
    sequence: int  # of the shop's state; grows with every kind but progress
    step: int  # counts the progress of one run
    is_warning: bool = False  # done, but somebody should look


ml_status_changed = Signal()  # sender: TrainingRun; event: MLStatusEvent


def emit(event: MLStatusEvent) -> None:
    """Tell everyone; a receiver that fails is logged and harms neither the run nor the others."""
    from ml_training.models import TrainingRun

    ml_status_changed.send_robust(sender=TrainingRun, event=event)
