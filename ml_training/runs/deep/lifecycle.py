"""The state of deep runs: queued, claimed, completed, cancelled. The deep side of `training`.

queued → training → completed | failed | cancelled
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.models import Shop
from ml_training.backbones.loader import backbone_id_for
from ml_training.dataset.manifest import Manifest
from ml_training.events import CHANGED, COMPLETED, STARTED, announce
from ml_training.gate.judge import find_regressions
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.runs import lifecycle, queue
from ml_training.runs.deep.hours import shops_open
from ml_training.runs.lifecycle import Kind, Phase, RunLost, Status
from ml_training.versions import files as version_files
from ml_training.versions.provenance import note_learned
from ml_training.versions.prune import prune_on_commit

GOING = [Status.QUEUED, Status.TRAINING]
CANCELLED = "Cancelled. The active model stays as it is."
TURNED_OFF = "Cancelled: deep training was turned off."
WAITS_FOR_ITS_HOURS = "Deep training waits for its hours."
OTHER_SERVES = (
    "Another version was activated while it trained, on a backbone that it was not compared with. "
    "Activate it if you want it all the same."
)


def queue_deep(shop_id: int, why: str) -> TrainingRun:
    """See that a deep run of a shop is queued or training.

    Effects:      at most one new TrainingRun; a task and a `queued` event on commit.
    Transaction:  opens one.
    Repeatable:   yes; a second call finds the first one's run.
    """
    with transaction.atomic():
        ShopTraining.objects.get_or_create(shop_id=shop_id)
        ShopTraining.objects.select_for_update().get(shop_id=shop_id)
        going = TrainingRun.objects.filter(shop_id=shop_id, kind=Kind.DEEP, status__in=GOING).first()
        if going:
            return going
        trigger = [{"kind": why, "product": "", "count": 1}]
        return queue.create(TrainingRun(shop_id=shop_id, kind=Kind.DEEP, trigger=trigger))


def claim(run_id: int, at_any_hour: bool = False) -> TrainingRun | None:
    """Take a queued deep run for this worker.

    Returns:
        The run, or None when it is not queued, another of this shop is training, this is not its hour, or
        one's own backbone is used, which is never tuned.
    Effects:      status training, worker token, heartbeat; `started` event.
    Transaction:  opens one.
    """
    with transaction.atomic():
        queued = TrainingRun.objects.filter(pk=run_id, kind=Kind.DEEP, status=Status.QUEUED)
        run = queued.select_related("shop").first()
        if run is None or settings.BACKBONE_FILE or not (at_any_hour or run.shop_id in shops_open()):
            return None
        state = ShopTraining.objects.select_for_update().get(shop_id=run.shop_id)
        if not lifecycle.take(queued, state, ""):
            return None
        TrainingRun.objects.filter(pk=run.pk).update(message="")  # why it waited
        run.refresh_from_db()
        run.sequence = announce(run, STARTED, "Deep training: the recogniser studies your photos.")
        return run


def complete(
    run: TrainingRun,
    version: ModelVersion | None,
    message: str,
    learned: Manifest | None = None,
    compared_with: str = "",
) -> None:
    """Finish a deep run and make its version the active one, or finish without a version and say why.

    Args:
        learned: the photos that the version learned.
        compared_with: the id of the backbone that it won against.
    Effects:      run completed; ModelVersion and LearnedPhoto rows; unless it is worse for a product (see
                  `gate`) or won against a backbone that serves no more, the active version,
                  ShopTraining.trained and a run for what changed meanwhile; `completed` event; files of old
                  versions removed on commit.
    Transaction:  opens one: the version is active for everyone or does not exist.
    Raises:
        RunLost: the run is not this worker's any more; nothing was written.
    """
    with transaction.atomic():
        state = ShopTraining.objects.select_for_update().filter(shop_id=run.shop_id).first()
        if version is not None:
            version_files.take_next_number(version)
            if compared_with not in ("", backbone_id_for(run.shop_id)):
                version.held_back = OTHER_SERVES
            else:
                version.held_back = find_regressions(state.active_version, version) if state else ""
            said = version.held_back or f"Version {version.number} is active."
            message = f"{said} {message}".rstrip()
        run.status, run.phase, run.progress = Status.COMPLETED, Phase.DONE, 1.0
        run.message, run.finished_at = message, timezone.now()
        changed = ("status", "phase", "progress", "message", "finished_at", "products", "photos")
        values = {name: getattr(run, name) for name in (*changed, "set_aside", "metrics", "backbone")}
        if state is None or not lifecycle.own(run).update(**values):
            raise RunLost(f"Run {run.pk} was taken from this worker.")
        if version is not None:
            version.changes = note_learned(version.shop_id, version.number, learned)
            version.save()
            prune_on_commit(run.shop_id)
            if not version.held_back:
                # What a quick run learned meanwhile is not in this version: it is owed again.
                state.active_version, state.trained = version, run.generation
                state.save(update_fields=["active_version", "trained"])
        announce(run, COMPLETED, message, is_warning=bool(version and version.held_back))
        if version is not None and not version.held_back:
            queue.queue_or_wake(state)


def cancel(shop: Shop) -> bool:
    """End a shop's deep run, whether it waits or trains. The active version stays.

    The worker finds out with its next heartbeat and stops computing.

    Returns:
        Whether there was one.
    Effects:      run cancelled; a `changed` event.
    Transaction:  opens one.
    Repeatable:   yes.
    """
    going = TrainingRun.objects.filter(shop=shop, kind=Kind.DEEP, status__in=GOING)
    return _cancel(going, shop.pk, CANCELLED)


def cancel_own(run: TrainingRun) -> bool:
    """The same for a run that this process computes, as long as it is this worker's."""
    return _cancel(lifecycle.own(run), run.shop_id, CANCELLED)


def call_off(before: datetime) -> None:
    """Cancel what has waited since before then: deep training was turned off meanwhile.

    Effects:      runs cancelled; a `changed` event each.
    Transaction:  opens one a run.
    Repeatable:   yes.
    """
    waiting = TrainingRun.objects.filter(kind=Kind.DEEP, status=Status.QUEUED, created_at__lt=before)
    for shop_id in list(waiting.values_list("shop_id", flat=True)):
        _cancel(waiting.filter(shop_id=shop_id), shop_id, TURNED_OFF)


def _cancel(runs: QuerySet, shop_id: int, message: str) -> bool:
    with transaction.atomic():
        ShopTraining.objects.select_for_update().filter(shop_id=shop_id).first()
        run = runs.first()
        if run is None:
            return False
        run.status, run.message = Status.CANCELLED, message
        runs.update(status=run.status, message=message, finished_at=timezone.now())
        announce(run, CHANGED, message)
    return True


def pause(run: TrainingRun) -> bool:
    """Let a run wait for the next hour it may compute in; it goes on where it stopped."""
    return lifecycle.release(run, WAITS_FOR_ITS_HOURS, message=WAITS_FOR_ITS_HOURS, woken_at=timezone.now())
