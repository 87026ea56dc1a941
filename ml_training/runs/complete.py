"""Ends a run that has done its work: with a version that becomes active or is held back, or without one."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Greatest
from django.utils import timezone

from ml_training.backbones.loader import backbone_id_for
from ml_training.dataset.manifest import Manifest
from ml_training.events import COMPLETED, announce
from ml_training.gate.judge import find_regressions
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.runs.lifecycle import Kind, Phase, RunLost, Status, own
from ml_training.runs.queue import queue_or_wake
from ml_training.versions import files as version_files
from ml_training.versions.provenance import note_learned
from ml_training.versions.prune import prune_on_commit

OTHER_BACKBONE = {  # why a version is held back whose backbone is not the shop's any more, by kind of run
    Kind.QUICK: "It was made while another version took over; what it learned is learned again for that one.",
    Kind.DEEP: "Another version was activated while it trained, on a backbone that it was not compared with. "
    "Activate it if you want it all the same.",
}


def complete(
    run: TrainingRun,
    version: ModelVersion | None,
    message: str = "",
    learned: Manifest | None = None,
    compared_with: str = "",
) -> None:
    """Finish a run and make its version the active one, or finish without a version and say why.

    The version is judged before the shop's row is held, so that nobody waits for the gate. Should another
    version have become active meanwhile, it is judged again.

    Args:
        message: what else there is to say.
        learned: the photos that the version learned.
        compared_with: the id of the backbone that a deep run won against; a quick run's is its own.
    Effects:      run completed; ModelVersion and LearnedPhoto rows; ShopTraining.trained and, unless the
                  version is held back, active_version; a run for what changed meanwhile; `completed` event;
                  files of old versions removed on commit.
    Transaction:  opens one: the version is active for everyone or does not exist.
    Raises:
        RunLost: the run is not this worker's any more; nothing was written.
    """
    backbone = compared_with if run.kind == Kind.DEEP else run.backbone
    while True:
        judgement = _judge(run, version, backbone) if version else None
        with transaction.atomic():
            state = ShopTraining.objects.hold(run.shop_id)
            if state is None:
                raise RunLost(f"The shop of run {run.pk} is gone.")
            if judgement and not judgement.holds_for(state):
                continue
            _finish(run, f"{judgement.outcome} {message}".strip() if judgement else message)
            if judgement:
                _store(run, judgement, learned)
            elif run.kind == Kind.QUICK:
                _note_trained(run)
            announce(run, COMPLETED, run.message, is_warning=_needs_a_look(run, judgement))
            if run.kind == Kind.QUICK or (judgement and not judgement.held_back):
                state.refresh_from_db()
                queue_or_wake(state)
            return


@dataclass(frozen=True)
class _Judgement:
    """What the gate says of a version, and of which state of its shop it says so."""

    version: ModelVersion
    number: int  # of the version: sentences name it
    active: int | None  # id of the version that it was compared with
    held_back: str  # why; empty for a version that may take over
    is_owed: bool  # whether what it learned must be learned again

    @property
    def outcome(self) -> str:
        return self.held_back or f"Version {self.number} is active."

    def holds_for(self, state: ShopTraining) -> bool:
        """Whether the shop is still as it was when the version was judged."""
        is_next = self.number == version_files.next_number(state.shop_id)
        return is_next and state.active_version_id == self.active


def _judge(run: TrainingRun, version: ModelVersion, backbone: str) -> _Judgement:
    """Compare a version with the active one.

    Args:
        backbone: the id of the one that must still be the shop's: it was trained or compared with it.
    Effects:      the version's number, in its files too, if another version took it meanwhile.
    """
    version_files.take_next_number(version)
    state = ShopTraining.objects.select_related("active_version").filter(shop_id=run.shop_id).first()
    active = state.active_version if state else None
    # What serves is in use, even if the next model is made for another one.
    in_use = {"", backbone_id_for(run.shop_id), active.backbone if active else ""}
    is_other = backbone not in in_use
    held_back = OTHER_BACKBONE[Kind(run.kind)] if is_other else find_regressions(active, version)
    return _Judgement(version, version.number, active.pk if active else None, held_back, is_other)


def _finish(run: TrainingRun, message: str) -> None:
    """Write that a run is completed, as long as it is this worker's."""
    run.status, run.phase, run.progress = Status.COMPLETED, Phase.DONE, 1.0
    run.message, run.finished_at = message, timezone.now()
    changed = ("status", "phase", "progress", "message", "finished_at", "products", "photos", "backbone")
    values = {name: getattr(run, name) for name in (*changed, "set_aside", "metrics")}
    if not own(run).update(**values):
        raise RunLost(f"Run {run.pk} was taken from this worker.")


def _store(run: TrainingRun, judgement: _Judgement, learned: Manifest | None) -> None:
    """Save a run's version, make it active unless it is held back, and note what is trained by now."""
    version = judgement.version
    version.held_back = judgement.held_back
    save_version(version, learned, serves=not version.held_back)
    if run.kind == Kind.QUICK and not judgement.is_owed:
        _note_trained(run)
    elif run.kind == Kind.DEEP and not version.held_back:
        # What a quick run learned meanwhile is not in this version: it is owed again.
        ShopTraining.objects.filter(shop_id=run.shop_id).update(trained=run.generation)


def save_version(version: ModelVersion, learned: Manifest | None, serves: bool) -> None:
    """Save a version and what it learned, make it the active one if it serves, and prune on commit."""
    version.changes = note_learned(version.shop_id, version.number, learned)
    version.save()
    prune_on_commit(version.shop_id)
    if serves:
        ShopTraining.objects.filter(shop_id=version.shop_id).update(active_version=version)


def _note_trained(run: TrainingRun) -> None:
    """Note that a quick run included the photos as they were when it was claimed."""
    shop = ShopTraining.objects.filter(shop_id=run.shop_id)
    shop.update(trained=Greatest("trained", run.generation))


def _needs_a_look(run: TrainingRun, judgement: _Judgement | None) -> bool:
    """Whether somebody should look: a version was held back, or a quick run made none."""
    return bool(judgement.held_back) if judgement else run.kind == Kind.QUICK
