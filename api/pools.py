"""Threads for what sockets ask of the database: some for operations, others for news.

Neither waits for the other, nor one caller for another. Channels itself has one thread for all sockets.
"""

import asyncio
import contextlib
import contextvars
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import ceil
from typing import TypeVar

from django.db import close_old_connections

from api.errors import TOO_MANY, ApiError

T = TypeVar("T")
NEWS_THREADS = 4
OPERATION_THREADS = 4
OPERATIONS_OF_ONE = 2  # that run at once for one caller; others of it wait
BUDGET_SECONDS = 20.0  # of a thread's time that a caller may use at once
BUDGET_A_SECOND = 0.25  # what it gets back each second
MAX_CALLERS = 10_000  # that are remembered


class Pool:
    """Runs functions that use the database in threads of its own."""

    def __init__(self, threads: int, name: str):
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, function: Callable[..., T], *args) -> T:
        """Call a function in one of the threads, in the caller's context."""
        context = contextvars.copy_context()
        call = partial(context.run, _with_fresh_connections, function, *args)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


def _with_fresh_connections(function: Callable[..., T], *args) -> T:
    close_old_connections()
    try:
        return function(*args)
    finally:
        close_old_connections()


class Budget:
    """How much work each caller may still ask for: seconds of a thread, which come back as time goes by."""

    def __init__(self, seconds: float, a_second: float):
        self.seconds, self.a_second = seconds, a_second
        self._left: dict[str, tuple[float, float]] = {}  # by caller: seconds left, and when that was

    def left(self, caller: str) -> float:
        """Seconds; below zero when more was used than there was."""
        seconds, since = self._left.get(caller, (self.seconds, 0.0))
        return min(self.seconds, seconds + (time.monotonic() - since) * self.a_second)

    def spend(self, caller: str, seconds: float) -> None:
        """Take away what was used."""
        left = self.left(caller) - seconds
        self._left.pop(caller, None)
        self._left[caller] = (left, time.monotonic())
        while len(self._left) > MAX_CALLERS:
            del self._left[next(iter(self._left))]  # the one that asked longest ago

    def check(self, caller: str) -> None:
        """Raises ApiError (TOO_MANY) while nothing is left."""
        if (left := self.left(caller)) <= 0:
            seconds = ceil((1 - left) / self.a_second)
            raise ApiError(f"Too much was asked for. Come again in {seconds} seconds.", TOO_MANY)


class Shares:
    """Lets only so many of one caller's operations run at once; others of it wait."""

    def __init__(self, most: int):
        self.most = most
        self._slots: dict[str, tuple[asyncio.Semaphore, int]] = {}  # by caller, with how many use it

    @contextlib.asynccontextmanager
    async def slot(self, caller: str) -> AsyncIterator[None]:
        """Wait for one of the caller's places, and hold it."""
        semaphore, users = self._slots.get(caller, (asyncio.Semaphore(self.most), 0))
        self._slots[caller] = (semaphore, users + 1)
        try:
            async with semaphore:
                yield
        finally:
            _, users = self._slots[caller]
            if users > 1:
                self._slots[caller] = (semaphore, users - 1)
            else:
                del self._slots[caller]


news = Pool(NEWS_THREADS, "news")
operations = Pool(OPERATION_THREADS, "operation")
budget = Budget(BUDGET_SECONDS, BUDGET_A_SECOND)
shares = Shares(OPERATIONS_OF_ONE)


async def operate(caller: str, function: Callable[..., T], *args) -> T:
    """Do a caller's work among everybody else's.

    Raises:
        ApiError: (TOO_MANY) the caller has used up its budget.
    """
    async with shares.slot(caller):
        budget.check(caller)
        return await operations.run(_charged, caller, function, *args)


def _charged(caller: str, function: Callable[..., T], *args) -> T:
    started = time.thread_time()
    try:
        return function(*args)
    finally:
        budget.spend(caller, time.thread_time() - started)
