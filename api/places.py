"""Lets only so many of one caller's requests be answered at once. `api.pools` does the same on websockets."""

import contextlib
import threading
from collections.abc import Iterator

from api.errors import TOO_MANY, ApiError

AT_ONCE = 2  # requests of one caller that are worked on
WAITING = 16  # that wait beside them, each with a connection to the database; one more is refused
SECONDS = 5  # that one waits


class Places:
    """The places of every caller. Each request has a thread of its own, which waits here."""

    def __init__(self, at_once: int, waiting: int, seconds: float):
        self.at_once, self.waiting, self.seconds = at_once, waiting, seconds
        self._lock = threading.Lock()
        self._places: dict[str, tuple[threading.Semaphore, int]] = {}  # by caller, with how many use it

    @contextlib.contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Wait for one of the caller's places, and hold it.

        Raises:
            ApiError: (TOO_MANY) none became free in time, or too many wait already.
        """
        with self._one_more(caller) as places:
            if not places.acquire(timeout=self.seconds):
                raise _too_many()
            try:
                yield
            finally:
                places.release()

    @contextlib.contextmanager
    def _one_more(self, caller: str) -> Iterator[threading.Semaphore]:
        with self._lock:
            places, users = self._places.get(caller, (threading.Semaphore(self.at_once), 0))
            if users >= self.at_once + self.waiting:
                raise _too_many()
            self._places[caller] = (places, users + 1)
        try:
            yield places
        finally:
            with self._lock:
                _, users = self._places.pop(caller)
                if users > 1:
                    self._places[caller] = (places, users - 1)


def _too_many() -> ApiError:
    return ApiError("Too much was asked for at once. Wait for the answers, then ask again.", TOO_MANY)


places = Places(AT_ONCE, WAITING, SECONDS)
