"""Tells of what becomes of runs: changes of state, numbered and once they are final, and how far a run is.

Called by `training`, `deep.runs` and whoever changes what serves; the news go out through `events`.
"""

import logging
from dataclasses import replace
from functools import partial

from django.db import transaction
from django.db.models import F

from ml_training.events import PROGRESS, QUEUED, MLStatusEvent, emit
from ml_training.models import ShopTraining, TrainingRun
from ml_training.wording import trigger_in_words

logger = logging.getLogger(__name__)


def announce(run: TrainingRun, kind: str, message: str, is_warning: bool = False) -> int:
    """Number a change of state within its transaction, and tell of it once that has committed."""
    ShopTraining.objects.filter(shop_id=run.shop_id).update(sequence=F("sequence") + 1)
    sequence = ShopTraining.objects.values_list("sequence", flat=True).get(shop_id=run.shop_id)
    event = MLStatusEvent(
        run.shop_id, run.pk, kind, run.progress, run.phase, message, sequence, 0, is_warning
    )
    transaction.on_commit(partial(_tell, event), robust=True)
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
    emit(MLStatusEvent(run.shop_id, run.pk, PROGRESS, run.progress, phase, "", run.sequence, step))
