"""Decodes only so many photos at once in one process, whoever asks: memory and processors are limited.

A request waits briefly and is then told to come again; others, such as a training, wait as long as it takes.
No Django.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

AT_ONCE = max(int(os.environ.get("OMP_NUM_THREADS", "0") or 0), 1)  # config.settings: COMPUTE_THREADS
WAIT_SECONDS = 5  # that a request waits for its turn
LOOK_SECONDS = 0.1  # between two looks at whether who waits is still there

# Set while a request is served: the event that tells that its client has gone.
caller_gone: ContextVar[threading.Event | None] = ContextVar("caller_gone", default=None)


class TooManyPhotos(Exception):
    """Raised when it did not become a photo's turn in time; its text is for a person."""

    def __init__(self) -> None:
        super().__init__("Many photos are being read just now. Try again in a few seconds.")


_turns = threading.BoundedSemaphore(AT_ONCE)


@contextlib.contextmanager
def turn(turns: threading.Semaphore = _turns) -> Iterator[None]:
    """Wait until it is one's turn to decode a photo.

    Raises:
        TooManyPhotos: it took longer than WAIT_SECONDS, or the client has gone; of requests only.
    """
    gone = caller_gone.get()
    until = None if gone is None else time.monotonic() + WAIT_SECONDS
    while not turns.acquire(timeout=LOOK_SECONDS):
        if gone is not None and (gone.is_set() or time.monotonic() > (until or 0)):
            raise TooManyPhotos
    try:
        yield
    finally:
        turns.release()
