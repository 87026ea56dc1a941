"""After a clock was set back: nothing waits for a time that was written before."""

from datetime import timedelta

from django.utils import timezone

from ml_training.models import TrainingRun

AHEAD = timedelta(minutes=1)  # so much may the clocks of hosts differ


def forget_future() -> None:
    """Take times that have not come yet as now; a run whose worker was told in the future is told again.

    Effects:      times of runs.
    Repeatable:   yes.
    """
    now = timezone.now()
    TrainingRun.objects.filter(woken_at__gt=now + AHEAD).update(woken_at=None)
    for name in ("heartbeat_at", "created_at", "finished_at"):
        TrainingRun.objects.filter(**{f"{name}__gt": now + AHEAD}).update(**{name: now})
