"""What the page, the API and the socket say of a deep run that waits or trains."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

from ml_training.events import rounds_in_words
from ml_training.models import ShopTraining, TrainingRun
from ml_training.runs.deep.hours import is_shop_open


@dataclass(frozen=True)
class DeepInfo:
    run_id: int
    status: str  # queued or training
    progress: float  # in [0, 1]
    phase: str  # in words
    epoch: int | None  # the one that is being learned, from 1
    epochs: int | None
    accuracy: float | None  # of photos it has not seen, after the last epoch
    seconds_left: float | None
    started_at: datetime | None
    message: str
    may_compute: bool  # at this hour
    silence: str  # what to do where nobody seems to work on it

    @property
    def percent(self) -> int:
        return int(100 * self.progress)

    @property
    def words(self) -> str:
        """Such as "Round 3 of 10; 91 % right so far, on photos it has not seen"."""
        if self.message:
            return self.message
        if self.status == "queued" and not self.may_compute:
            return "It waits for its hours."
        if self.silence:
            return self.silence
        if self.status == "queued":
            return "It begins when a worker is free."
        return rounds_in_words(self.epoch, self.epochs, self.accuracy)

    def as_json(self) -> dict:
        names = ("run_id", "status", "progress", "percent", "phase", "words", "seconds_left")
        return {name: getattr(self, name) for name in names}


def describe_outcome(run: TrainingRun | None) -> str:
    """Say when the last deep run ended and what came of it; empty where there was none."""
    if run is None or run.finished_at is None:
        return ""
    when = date_format(timezone.localtime(run.finished_at), "j F Y")
    return f"Deep training of {when}: {run.error or run.message}"


def deep_info(run: TrainingRun | None, training: ShopTraining, silence: str = "") -> DeepInfo | None:
    """Describe a shop's deep run that is queued or training; None where there is none.

    Args:
        silence: what to do where nobody seems to work on it; empty otherwise.
    """
    if run is None:
        return None
    known = run.metrics
    return DeepInfo(
        run_id=run.pk,
        status=run.status,
        progress=run.progress,
        phase=str(run.get_phase_display()),
        epoch=known.get("epoch"),
        epochs=known.get("epochs"),
        accuracy=known.get("accuracy"),
        seconds_left=None if silence else seconds_left(run, 0.03),
        started_at=run.started_at,
        message=run.message if run.status == "queued" else "",
        may_compute=is_shop_open(training),
        silence=silence,
    )


def seconds_left(run: TrainingRun, least: float) -> float | None:
    """How long a run will take from here, judged by what was done since it began or went on; None while that
    is less than `least`, a share, and says little."""
    done = run.progress - run.metrics.get("began_at", 0.0)
    if run.status != "training" or run.started_at is None or done < least:
        return None
    spent = (timezone.now() - run.started_at).total_seconds()
    return round(spent * (1 - run.progress) / done, 1)
