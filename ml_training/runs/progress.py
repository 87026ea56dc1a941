"""Tells how far a run is, often enough to watch and rarely enough to cost nothing."""

import logging
import time
from collections import deque
from collections.abc import Callable

from django.db import Error, connection

from ml_training.events import emit_progress
from ml_training.models import TrainingRun
from ml_training.runs.heartbeat import Heartbeat
from ml_training.runs.lifecycle import Phase, beat

logger = logging.getLogger(__name__)
MAX_PUSHES = 4  # in any second, phases included
PUSH_SECONDS = 0.5  # between two within a phase: leaves room for the phases that follow
WRITE_SECONDS = 1.0
# Where each phase begins on the bar, by the share of time it takes.
BEGINS = {Phase.PREPARING: 0.0, Phase.EMBEDDING: 0.02, Phase.FITTING: 0.88, Phase.EVALUATING: 0.92,
          Phase.PUBLISHING: 0.96, Phase.DONE: 1.0}  # fmt: skip


def on_bar(phase: Phase, share: float, begins: dict[Phase, float] = BEGINS) -> float:
    """Where on the bar a phase is of which a share is done, both 0 to 1."""
    order = list(begins)
    begin, end = begins[phase], begins[order[order.index(phase) + 1]]
    return begin + share * (end - begin)


class Progress:
    """The progress of one run; `phases` collects the seconds each phase took."""

    def __init__(
        self,
        run: TrainingRun,
        heartbeat: Heartbeat,
        on_change: Callable[[TrainingRun], object] | None = None,
        begins: dict[Phase, float] = BEGINS,
    ):
        self.run, self._begins = run, begins
        self.phases: dict[str, float] = {}
        self._heartbeat, self._on_change = heartbeat, on_change or (lambda run: None)
        self._step = 0
        self._pushes = deque([float("-inf")] * MAX_PUSHES, MAX_PUSHES)  # when the last few were
        self._began = self._written = self._phase_began = time.monotonic()

    def enter(self, phase: Phase) -> None:
        """Begin a phase: always written, and pushed unless it is one of many within a second."""
        self._end_phase()
        self.run.phase = phase
        self._set(self._begins[phase], at_once=True)

    def within(self, share: float, **fields: object) -> None:
        """Set how much of the current phase is done, 0 to 1; written and pushed when it is time to.

        Args:
            fields: other fields of the run to write with it.
        Raises:
            RunLost: the run is not this worker's any more.
        """
        self._set(on_bar(Phase(self.run.phase), share, self._begins), at_once=False, fields=fields)

    def check(self) -> None:
        """Raises RunLost once the run was taken from this worker, or cancelled."""
        self._heartbeat.check()

    def finish(self) -> dict:
        """End the last phase; the seconds that the run and each of its phases took, for its metrics."""
        self._end_phase()
        return {"phases": self.phases, "seconds": round(time.monotonic() - self._began, 3)}

    def _end_phase(self) -> None:
        now = time.monotonic()
        if self.run.phase in self._begins:
            spent = self.phases.get(str(self.run.phase), 0.0) + now - self._phase_began
            self.phases[str(self.run.phase)] = round(spent, 4)
        self._phase_began = now

    def _set(self, progress: float, at_once: bool, fields: dict | None = None) -> None:
        self._heartbeat.check()
        self.run.progress = progress
        now = time.monotonic()
        try:
            if at_once or now - self._written >= WRITE_SECONDS:
                beat(self.run, phase=self.run.phase, progress=progress, **(fields or {}))
                self._written = now
            if not at_once and now - self._pushes[-1] < PUSH_SECONDS:
                return
            if now - self._pushes[0] >= 1:
                self._step += 1
                emit_progress(self.run, self._step)
                self._pushes.append(now)
            self._on_change(self.run)
        except Error:  # what was computed is worth more than a bar that stands still for a while
            logger.warning("The progress of run %s could not be written.", self.run.pk, exc_info=True)
            connection.close()  # one that broke stays broken
