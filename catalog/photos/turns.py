"""Decodes only so many photos at once in one process, whoever asks: memory and processors are limited.

Who has used the least time lately is first, so that nobody's photos keep others from their turn. A request
waits briefly and is then told to come again; others, such as a training, wait as long as it takes. No Django.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

AT_ONCE = max(int(os.environ.get("OMP_NUM_THREADS", "0") or 0), 1)  # config.settings: COMPUTE_THREADS
WAIT_SECONDS = 5  # that a request waits for its turn
PERSON_SECONDS = 60  # that one of a page does: nobody sends photos again because others do
LOOK_SECONDS = 0.1  # between two looks at whether who waits is still there
MOST_WAITING = 24  # requests of one caller
PERSON_WAITING = 64  # of a page: the small pictures that a browser asks for at once
HALF_LIFE = 10.0  # seconds after which what a caller used counts half
FORGOTTEN = 10  # half-lives after which it is not kept any more

# Set while a request is served: the event that tells that its client has gone, and what tells who asks.
caller_gone: ContextVar[threading.Event | None] = ContextVar("caller_gone", default=None)
caller: ContextVar[Callable[[], str] | None] = ContextVar("caller", default=None)
is_patient: ContextVar[bool] = ContextVar("is_patient", default=False)  # a page of ours asks, not a program


class TooManyPhotos(Exception):
    """Raised when it did not become a photo's turn in time; its text is for a person."""

    def __init__(self) -> None:
        super().__init__("Many photos are being read just now. Try again in a few seconds.")


@dataclass(eq=False)
class _Place:
    """Where one request of a caller waits."""

    name: str


class Turns:
    """So many turns, each for one photo at a time, and who waits for them."""

    def __init__(self, at_once: int):
        self._free = at_once
        self._changed = threading.Condition()
        self._waiting: list[_Place] = []  # in the order of coming
        self._used: dict[str, tuple[float, float]] = {}  # by caller: seconds, and when these were counted

    def take(self, name: str, gone: threading.Event | None) -> None:
        """Wait for a turn.

        Args:
            gone: of a request, which does not wait for long.
        Raises:
            TooManyPhotos: it took too long, the client has gone, or too many of it wait.
        """
        seconds, most = (PERSON_SECONDS, PERSON_WAITING) if is_patient.get() else (WAIT_SECONDS, MOST_WAITING)
        until = time.monotonic() + seconds
        with self._changed:
            if gone is not None and sum(one.name == name for one in self._waiting) >= most:
                raise TooManyPhotos
            self._waiting.append(place := _Place(name))
            try:
                while not (self._free and self._first() is place):
                    self._changed.wait(LOOK_SECONDS)
                    if gone is not None and (gone.is_set() or time.monotonic() > until):
                        raise TooManyPhotos
                self._free -= 1
            finally:
                self._waiting.remove(place)
                self._changed.notify_all()

    def take_free(self) -> bool:
        """Take a turn if nobody has or wants it."""
        with self._changed:
            is_free = self._free > 0 and not self._waiting
            self._free -= is_free
        return is_free

    def give_back(self, name: str = "", seconds: float = 0.0) -> None:
        """End a turn that a caller had for so long."""
        now = time.monotonic()
        with self._changed:
            self._free += 1
            self._used = {
                other: used for other, used in self._used.items() if used[1] > now - FORGOTTEN * HALF_LIFE
            }
            self._used[name] = (self._used_by(name, now) + seconds, now)
            self._changed.notify_all()

    def _first(self) -> _Place:
        """Whose turn it is: of those who have used the least lately, the one that came first."""
        now = time.monotonic()
        return min(self._waiting, key=lambda place: self._used_by(place.name, now))

    def _used_by(self, name: str, now: float) -> float:
        seconds, since = self._used.get(name, (0.0, now))
        return seconds * 0.5 ** ((now - since) / HALF_LIFE)


_turns = Turns(AT_ONCE)


@contextlib.contextmanager
def turn(turns: Turns = _turns) -> Iterator[None]:
    """Wait until it is one's turn to decode a photo.

    Raises:
        TooManyPhotos: see `Turns.take`; of requests only.
    """
    find = caller.get()
    name = find() if find else ""
    turns.take(name, caller_gone.get())
    started = time.monotonic()
    try:
        yield
    finally:
        turns.give_back(name, time.monotonic() - started)
