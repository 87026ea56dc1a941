"""Runs the task queue and looks after it from outside: restarts it when it stands still, mends after crashes.

django-q2's own guard cannot see one case: a worker killed while idle may die holding the queue's lock, and
all others then wait for ever. What is true stands in the database, so that is what is watched.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections
from django.utils import timezone

from ml_training.management.commands.taskqueue import STOP_SECONDS
from ml_training.models import TrainingRun
from ml_training.runs import lifecycle, queue
from ml_training.runs.deep.hours import shops_open
from ml_training.runs.lifecycle import Kind
from ml_training.runs.reconcile import reconcile
from ml_training.versions import files as version_files

logger = logging.getLogger(__name__)
LOOK_SECONDS = 5
LINGER_SECONDS = 60  # how long a queue that is needed now and then stays when it has nothing to do


class Command(BaseCommand):
    help = "Run the task queue, restart it when it stands still, and close the gaps that crashes leave."

    def handle(self, *args, **options):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self.stopping = False
        kinds = TrainingRun.Kind if settings.DEEP_TRAINING == "auto" else [TrainingRun.Kind.QUICK]
        queues = [TaskQueue(kind) for kind in kinds]
        try:
            while not self.stopping:
                self._look_after(queues)
                until = time.monotonic() + LOOK_SECONDS
                while not self.stopping and time.monotonic() < until:
                    time.sleep(0.1)
        finally:
            stop_on_purpose(queues)

    def _stop(self, *args):
        self.stopping = True

    def _look_after(self, queues: list["TaskQueue"]):
        try:
            close_old_connections()
            for supervised in queues:
                supervised.keep_up()
            reconcile()
            for supervised in queues:
                if supervised.stands_still():
                    supervised.restart("stands still")
        except Error:
            logger.exception("The database did not answer; trying again in %s s.", LOOK_SECONDS)


class TaskQueue:
    """The task queue of one kind of runs, in a process group of its own, so that all of it can be stopped.

    It ends with this process, even if that is killed: it watches the pipe that is its standard input.
    That of deep runs is there only while one waits or trains: seldom, and it takes memory.
    """

    def __init__(self, kind: Kind):
        self._kind, self._name = kind, queue.TASKS[kind][1]
        self._patience = self._first_patience = 2 * settings.HEARTBEAT_LIMIT_SECONDS
        self._process: subprocess.Popen[bytes] | None = None
        self._needed = float("-inf")  # when it last had work

    def keep_up(self) -> None:
        """Start it when it is needed, start it again when it has ended, stop it when it long had no work."""
        now = time.monotonic()
        if self._kind == TrainingRun.Kind.QUICK or self._waiting().exists() or self.at_work():
            self._needed = now
            if self._process is None:
                self._start()
                self._wake()
            elif self.has_ended():
                self.restart("ended")
        elif self._process is not None and now - self._needed > LINGER_SECONDS:
            self.stop_on_purpose()  # should it have taken up a run this very moment
            self._process = None

    def _start(self):
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "taskqueue"]
        environment = os.environ | ({"Q_CLUSTER_NAME": self._name} if self._name else {})
        self._process = subprocess.Popen(  # noqa: S603 (our own command)
            command, stdin=subprocess.PIPE, start_new_session=True, env=environment
        )
        self._started = time.monotonic()

    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def restart(self, why: str) -> None:
        """Start anew, and be more patient each time: a slow machine may need long until it is ready."""
        logger.warning("The task queue %s and is started again.", why)
        self.stop()
        self._start()
        self._patience *= 2
        self._wake()

    def _wake(self) -> None:
        """Queue the tasks of what waits once more: the queue before may have had them."""
        for run in self._runs().filter(status="queued"):
            queue.wake_worker(run.pk, run.kind)

    def _runs(self):
        return TrainingRun.objects.filter(kind=self._kind)

    def _waiting(self):
        """Runs that could begin: their shop trains nothing of this kind, and it is their hour."""
        waiting = queue.startable(self._kind)
        return waiting if self._kind == TrainingRun.Kind.QUICK else waiting.filter(shop_id__in=shops_open())

    def at_work(self) -> list[TrainingRun]:
        """The runs that this queue has, and no other one on this machine."""
        if self._process is None:
            return []
        here = self._runs().filter(status="training", trainer="", worker_host=socket.gethostname())
        return [run for run in here if _group_of(run.worker_pid) == self._process.pid]

    def ask_to_end(self) -> None:
        if self._process is not None and not self.has_ended():
            self._process.terminate()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask the queue to end its work, and after some seconds end whatever is left of its process group."""
        if self._process is None:
            return
        self.ask_to_end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def stop_on_purpose(self) -> None:
        stop_on_purpose([self])

    def stands_still(self) -> bool:
        """Whether a run waits for long, though this queue has no work and nothing ended lately anywhere."""
        if self._process is None:
            return False
        limit = timezone.now() - timedelta(seconds=self._patience)
        waiting = self._waiting().filter(created_at__lt=limit)
        if not waiting.exclude(heartbeat_at__gte=limit).exists():  # given back by a trainer without room
            self._patience = self._first_patience
            return False
        ended_lately = self._runs().filter(finished_at__gte=limit, worker_lost=False)
        had_time = time.monotonic() - self._started > self._patience
        return had_time and not self.at_work() and not ended_lately.exists()


def stop_on_purpose(queues: list[TaskQueue]) -> None:
    """Stop queues, all at once, and let the runs that are cut short wait as if they had not begun."""
    runs = []
    with contextlib.suppress(Error):  # without a database nobody can be told: the reconciler finds them
        runs = [run for supervised in queues for run in supervised.at_work()]
    for supervised in queues:
        supervised.ask_to_end()
    until = time.monotonic() + STOP_SECONDS
    for supervised in queues:
        supervised.stop(max(until - time.monotonic(), 0.1))
    with contextlib.suppress(Error):
        for run in runs:
            if lifecycle.release(run):
                version_files.remove(version_files.folder_of(run))


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
