"""Tells the project about once a second how far a job is, whatever the job is busy with."""

import logging
import threading

from ml_training.runs.lifecycle import Phase
from ml_training.runs.progress import BEGINS, on_bar
from ml_training.trainer.project import Project, ProjectFailed, RunGone

logger = logging.getLogger(__name__)
REPORT_SECONDS = 1.0


class Reporter:
    """Context manager. `check()` raises RunGone once the project wants no more of the run."""

    def __init__(self, project: Project, stop: threading.Event):
        self._project, self._stop = project, stop
        self._phase, self._percent, self._gone = Phase.PREPARING, 0.0, ""
        self._done = threading.Event()
        self._thread = threading.Thread(
            target=self._repeat, name=f"reports of run {project.job.run}", daemon=True
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._done.set()
        self._thread.join()

    def enter(self, phase: Phase) -> None:
        self._phase = phase
        self.within(0.0)

    def within(self, share: float) -> None:
        """Set how much of the current phase is done, 0 to 1."""
        self._percent = 100 * on_bar(self._phase, share) / BEGINS[Phase.PUBLISHING]
        self.check()

    def check(self) -> None:
        if self._stop.is_set():
            raise RunGone("The trainer is being stopped.")
        if self._gone:
            raise RunGone(self._gone)

    def _repeat(self):
        while not self._done.wait(REPORT_SECONDS):
            try:
                self._project.report("progress", str(self._phase), self._percent)
            except RunGone as gone:
                self._gone = str(gone) or "The run is gone."
                return
            except ProjectFailed as error:
                logger.warning("A report of run %s did not arrive: %s", self._project.job.run, error)
