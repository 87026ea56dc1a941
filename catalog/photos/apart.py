"""Decodes HEIC and AVIF in a process of its own, which may take only so much memory and time.

What a picture of these formats takes is known only once it is decoded: a small header may hide a large frame.
The process is started when it is needed, kept for a while, and decodes one picture at a time.
"""

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, cast

from catalog.photos.turns import Turns, turn

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 20  # that one picture may take
IDLE_SECONDS = 30  # after which the process ends
_one_at_a_time = Turns(1)


class DecoderEnded(Exception):
    """Raised when a picture took more memory or time than it may, or broke the decoder."""


class Apart:
    """The process, while there is one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None

    def ask(self, question: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        """Have a picture decoded.

        Args:
            question: what `catalog.photos.child` takes.
        Returns:
            Its answer, and pixels if there are any.
        Raises:
            DecoderEnded: see there.
            TooManyPhotos: others were before it for too long.
        """
        with turn(_one_at_a_time):
            if self._idle:
                self._idle.cancel()
            process = self._running()
            killer = threading.Timer(SECONDS, process.kill)
            killer.start()
            try:
                return _exchange(process, question | {"bytes": len(data)}, data)
            except (OSError, ValueError) as error:
                self.end()
                raise DecoderEnded from error
            finally:
                killer.cancel()
                self._idle = threading.Timer(IDLE_SECONDS, self._end_if_idle)
                self._idle.daemon = True
                self._idle.start()

    def end(self) -> None:
        """Stop the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]

    def forget(self) -> None:
        """Leave the process to the one that this one was forked from."""
        self.__init__()  # type: ignore[misc]

    def _end_if_idle(self) -> None:
        if _one_at_a_time.take_free():
            try:
                self.end()
            finally:
                _one_at_a_time.give_back()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "catalog.photos.child"],
                cwd=ROOT,
                env=os.environ | {"MALLOC_ARENA_MAX": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process


def _exchange(
    process: subprocess.Popen[bytes], question: dict[str, Any], data: bytes
) -> tuple[dict[str, Any], bytes]:
    questions, answers = cast("tuple[IO[bytes], IO[bytes]]", (process.stdin, process.stdout))
    questions.write(json.dumps(question).encode() + b"\n")
    questions.write(data)
    questions.flush()
    answer = json.loads(answers.readline())
    pixels = answers.read(answer["bytes"])
    if len(pixels) != answer["bytes"]:
        raise EOFError
    return answer, pixels


apart = Apart()
atexit.register(apart.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=apart.forget)
