"""The last runs of a shop, in words."""

from dataclasses import dataclass
from datetime import datetime

from catalog.models import Shop
from ml_training.events import trigger_in_words
from ml_training.models import TrainingRun

MAX_RUNS = 10  # on the page


@dataclass(frozen=True)
class RunInfo:
    run_id: int
    trigger: str  # in words
    status: str
    label: str
    result: str  # in words
    photos: int
    seconds: float | None
    created_at: datetime


def training_history(shop: Shop, most: int = MAX_RUNS) -> list[RunInfo]:
    """Read the newest runs, newest first, in one query. Runs that had nothing to do are left out."""
    runs = TrainingRun.objects.filter(shop=shop).exclude(status="superseded")
    return [_run_info(run) for run in runs[:most]]


def _run_info(run: TrainingRun) -> RunInfo:
    seconds = None
    if run.started_at and run.finished_at:
        seconds = round((run.finished_at - run.started_at).total_seconds(), 2)
    return RunInfo(
        run_id=run.pk,
        trigger=trigger_in_words(run),
        status=run.status,
        label=run.get_status_display(),
        result=run.error or run.message or run.get_phase_display(),
        photos=run.photos,
        seconds=seconds,
        created_at=run.created_at,
    )
