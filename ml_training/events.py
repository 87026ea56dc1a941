"""News of training. Whoever wants to know connects to `ml_status_changed`; training knows nobody.

Sent by `ml_training.runs.lifecycle` and `versions` after the transaction it tells of has committed.
"""

import logging
from dataclasses import dataclass, replace

from django.db.models import F
from django.dispatch import Signal

from api.after_commit import after_commit
from catalog.formatting import counted, percent
from ml_training.models import ShopTraining, TrainingRun

_CHANGES = {
    "photo_added": "{photos} added to {product}",
    "photo_removed": "{photos} removed from {product}",
    "photo_replaced": "{photos} replaced on {product}",
    "photo_moved": "{photos} moved to {product}",
    "product_switched_on": "{product} switched on",
    "product_switched_off": "{product} switched off",
    "product_deleted": "{product} deleted",
    "product_moved": "{product} moved between shops",
    "asked": "Everything trained afresh on request",
    "prepare": "Training data prepared on request",
    "linked": "Model files linked",
    "asked_deep": "Deep training asked for",
    "promises": "Enough new photos for a deep training",
    "owed": "Photos changed while nothing could train",
    "backbone_changed": "The recogniser's backbone was changed",
    "changed_meanwhile": "Photos changed during the last run",
}

logger = logging.getLogger(__name__)
MAX_NAMED = 3  # changes that asked for a run

# Kinds of events.
QUEUED = "queued"
STARTED = "started"
PROGRESS = "progress"  # within a run; the only kind that is not stored
COMPLETED = "completed"
FAILED = "failed"
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


reconciled = Signal()  # sender: Reconciled; sent after gaps were closed, every few seconds
ml_status_changed = Signal()  # sender: TrainingRun; event: MLStatusEvent


def emit(event: MLStatusEvent) -> None:
    """Tell everyone; a receiver that fails is logged and harms neither the run nor the others."""
    ml_status_changed.send_robust(sender=TrainingRun, event=event)


def announce(run: TrainingRun, kind: str, message: str, is_warning: bool = False) -> int:
    """Number a change of state within its transaction, and tell of it once that has committed."""
    ShopTraining.objects.filter(shop_id=run.shop_id).update(sequence=F("sequence") + 1)
    sequence = ShopTraining.objects.values_list("sequence", flat=True).get(shop_id=run.shop_id)
    event = MLStatusEvent(
        run.shop_id, run.pk, kind, run.progress, run.phase, message, sequence, 0, is_warning
    )
    after_commit(_tell, event)
    return sequence


def _tell(event: MLStatusEvent) -> None:
    if event.kind == QUEUED and not event.message:  # by now all changes of the transaction are known
        run = TrainingRun.objects.filter(pk=event.run_id).first()
        event = replace(event, message=trigger_in_words(run) if run else "")
    logger.info("Shop %s, run %s %s: %s", event.shop_id, event.run_id, event.kind, event.message)
    emit(event)


def emit_progress(run: TrainingRun, step: int) -> None:
    """Tell how far a run is; nothing is written."""
    phase = str(TrainingRun.Phase(run.phase).label)
    rounds = rounds_in_words(*map(run.metrics.get, ("epoch", "epochs", "accuracy")))
    emit(MLStatusEvent(run.shop_id, run.pk, PROGRESS, run.progress, phase, rounds, run.sequence, step))


def rounds_in_words(epoch: int | None, epochs: int | None, accuracy: float | None) -> str:
    """Such as "Round 3 of 10; 91 % right so far, on photos it has not seen"; of a quick run, nothing."""
    parts = [f"Round {epoch} of {epochs}"] if epoch else []
    if accuracy is not None and epochs:
        parts.append(f"{percent(accuracy)} right so far, on photos it has not seen")
    return "; ".join(parts)


def trigger_in_words(run: TrainingRun) -> str:
    """Such as "3 photos added to Oat milk"; the rest is counted."""
    parts = [_change_in_words(item) for item in run.trigger if item["kind"] != "other"]
    hidden = len(parts) - MAX_NAMED + sum(item["count"] for item in run.trigger if item["kind"] == "other")
    words = "; ".join(parts[:MAX_NAMED])
    if hidden > 0:
        words += f"; and {counted(hidden, 'more change')}"
    return words or "Unknown"


def _change_in_words(item: dict) -> str:
    words = _CHANGES.get(item["kind"], item["kind"])
    return words.format(photos=counted(item["count"], "photo"), product=item["product"])
