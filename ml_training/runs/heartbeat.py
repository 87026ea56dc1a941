"""Says every few seconds that a run's worker lives, whatever the worker is busy with.

A thread of its own, so that a long computation does not look like a dead worker.
"""

import logging
import threading
from typing import Self

from django.conf import settings
from django.db import Error, connection

from ml_training.models import TrainingRun
from ml_training.runs.lifecycle import RunLost, beat

logger = logging.getLogger(__name__)


class Heartbeat:
    """Context manager; `check()` raises RunLost once the run was taken from this worker."""

    def __init__(self, run: TrainingRun):
        self._run, self._stop, self._lost = run, threading.Event(), False
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat of run {run.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        if self._lost:
            raise RunLost(f"Run {self._run.pk} was taken from this worker.")

    def _beat(self) -> None:
        try:
            while not self._stop.wait(settings.HEARTBEAT_SECONDS):
                try:
                    beat(self._run)
                except RunLost:
                    self._lost = True
                    return
                except Error:
                    logger.warning("A heartbeat of run %s could not be written.", self._run.pk, exc_info=True)
                    connection.close()  # one that broke stays broken; the next beat opens another
        finally:
            connection.close()
