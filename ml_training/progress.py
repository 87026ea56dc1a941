"""Tells how far a run is, often enough to watch and rarely enough to cost nothing.

Called by `job`; calls `training`.
"""

import time

from ml_training.heartbeat import Heartbeat
from ml_training.models import TrainingRun
from ml_training.training import Phase, beat, emit_progress

PUSH_SECONDS = 0.25  # at most four pushes a second
WRITE_SECONDS = 1.0
# Where each phase begins on the bar, by the share of time it takes.
BEGINS = {Phase.PREPARING: 0.0, Phase.EMBEDDING: 0.02, Phase.FITTING: 0.88, Phase.EVALUATING: 0.92,
          Phase.PUBLISHING: 0.96, Phase.DONE: 1.0}  # fmt: skip
ORDER = list(BEGINS)


class Progress:
    """The progress of one run; `phases` collects the seconds each phase took."""

    def __init__(self, run: TrainingRun, heartbeat: Heartbeat, on_change=None):
        self.run, self.phases = run, {}
        self._heartbeat, self._on_change = heartbeat, on_change or (lambda run: None)
        self._step = 0
        self._pushed = self._written = self._phase_began = time.monotonic()

    def enter(self, phase: Phase) -> None:
        """Begin a phase: always written and pushed."""
        self._end_phase()
        self.run.phase = phase
        self._set(BEGINS[phase], at_once=True)

    def within(self, share: float) -> None:
        """Set how much of the current phase is done, 0 to 1; written and pushed when it is time to.

        Raises:
            RunLost: the run is not this worker's any more.
        """
        begin = BEGINS[self.run.phase]
        end = BEGINS[ORDER[ORDER.index(self.run.phase) + 1]]
        self._set(begin + share * (end - begin), at_once=False)

    def finish(self) -> None:
        self._end_phase()

    def _end_phase(self):
        now = time.monotonic()
        if self.run.phase in BEGINS:
            spent = self.phases.get(str(self.run.phase), 0.0) + now - self._phase_began
            self.phases[str(self.run.phase)] = round(spent, 4)
        self._phase_began = now

    def _set(self, progress: float, at_once: bool) -> None:
        self._heartbeat.check()
        self.run.progress = progress
        now = time.monotonic()
        if at_once or now - self._written >= WRITE_SECONDS:
            beat(self.run, phase=self.run.phase, progress=progress)
            self._written = now
        if at_once or now - self._pushed >= PUSH_SECONDS:
            self._step += 1
            emit_progress(self.run, self._step)
            self._on_change(self.run)
            self._pushed = now
