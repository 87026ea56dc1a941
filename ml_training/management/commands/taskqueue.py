"""The task queue of `manage.py worker`: django-q2's, which ends when the worker does, however that ends."""

import os
import signal
import threading
import time

from django_q.management.commands.qcluster import Command as QCluster

STOP_SECONDS = 3  # how long running work may take to end before it is killed; it then waits, and is not lost


class Command(QCluster):
    help = "Run the task queue until standard input ends, for manage.py worker. By hand, use qcluster."

    def handle(self, *args, **options):
        threading.Thread(target=_end_with_worker, name="watch for the worker", daemon=True).start()
        super().handle(*args, **options)


def _end_with_worker() -> None:
    """End this process and its group, of which it is the first, when the worker's end of the pipe closes."""
    while os.read(0, 1):  # not sys.stdin: processes forked meanwhile would wait for its lock
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.killpg(os.getpgid(0), signal.SIGKILL)
