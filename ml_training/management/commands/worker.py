"""Runs the task queue and looks after it from outside: restarts it when it stands still, mends after crashes.

django-q2's own guard cannot see one case: a worker killed while idle may die holding the queue's lock, and
all others then wait for ever. What is true stands in the database, so that is what is watched.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from ml_training.models import TrainingRun
from ml_training.reconciler import reconcile

logger = logging.getLogger(__name__)
LOOK_SECONDS = 5
STOP_SECONDS = 3  # how long running work may take to end before it is killed; it is then owed, not lost


class Command(BaseCommand):
    help = "Run the task queue, restart it when it stands still, and close the gaps that crashes leave."

    def handle(self, *args, **options):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self.stopping = False
        queue = start_queue()
        try:
            while not self.stopping:
                if queue.poll() is not None:
                    logger.warning("The task queue ended (%s) and is started again.", queue.returncode)
                    stop_queue(queue)
                    queue = start_queue()
                self._look_after()
                self._sleep()
                if stands_still():
                    logger.warning("The task queue stands still and is started again.")
                    stop_queue(queue)
                    queue = start_queue()
        finally:
            stop_queue(queue)

    def _stop(self, *args):
        self.stopping = True

    def _look_after(self):
        try:
            close_old_connections()
            reconcile()
        except DatabaseError:
            logger.exception("The database did not answer; trying again in %s s.", LOOK_SECONDS)

    def _sleep(self):
        until = time.monotonic() + LOOK_SECONDS
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.1)


def start_queue() -> subprocess.Popen:
    """Start qcluster in a process group of its own, so that all of it can be stopped."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"]
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603 (our own command)


def stop_queue(queue: subprocess.Popen) -> None:
    """Ask the queue to end its work, then end whatever is left of its process group."""
    if queue.poll() is None:
        queue.terminate()
        try:
            queue.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("A run is cut short; it is tried again at the next start.")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(queue.pid, signal.SIGKILL)
    queue.wait()


def stands_still() -> bool:
    """Whether a run waits though a worker was told of it and none is at work."""
    limit = timezone.now() - timedelta(seconds=2 * settings.HEARTBEAT_LIMIT_SECONDS)
    waiting = TrainingRun.objects.filter(status="queued", created_at__lt=limit).exists()
    return waiting and not TrainingRun.objects.filter(status="training").exists()
