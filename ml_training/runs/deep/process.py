"""Trains in a process of its own, and stops it when nobody wants its result any more."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from ml_training.recognizer.finetune import __main__ as program

LOG = "training.log"
STOP_SECONDS = 5


class LearningFailed(RuntimeError):
    """Raised when the training process ended with an error; has the last line it said."""


def learn(folder: Path, on_news: Callable[[dict], object], check: Callable[[], object]) -> Path:
    """Train on what is in `folder` and return the tuned backbone's file.

    Args:
        on_news: called with what the process says of its progress.
        check: called every second; what it raises stops the process.
    Raises:
        LearningFailed: the process ended without a result.
    """
    tuned = folder / program.TUNED
    if tuned.exists():  # an earlier try got as far as this
        return tuned
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 (our own command)
            _command(folder),
            bufsize=0,  # no line may wait in a buffer that `select` does not see
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=settings.BASE_DIR,
            env={**os.environ, "OMP_NUM_THREADS": str(settings.DEEP_THREADS), "OMP_WAIT_POLICY": "PASSIVE"},
        )
        try:
            _listen(process, on_news, check)
            code = process.wait(STOP_SECONDS)
        finally:
            _stop(process)
    if code or not tuned.exists():
        raise LearningFailed(f"the training process ended with code {code}: {_last_words(folder / LOG)}")
    return tuned


def _command(folder: Path) -> list[str]:
    import torch

    module = ["-m", "ml_training.recognizer.finetune", str(folder), "--threads", str(settings.DEEP_THREADS)]
    if torch.cuda.device_count() > 1:
        torchrun = ["-m", "torch.distributed.run", "--standalone"]
        module = [*torchrun, f"--nproc-per-node={torch.cuda.device_count()}", *module]
    return [sys.executable, *module]


def _listen(
    process: subprocess.Popen[bytes], on_news: Callable[[dict], object], check: Callable[[], object]
) -> None:
    lines = iter(process.stdout or ())
    while True:
        check()
        if select.select([process.stdout], [], [], 1)[0]:
            line = next(lines, None)
            if line is None:
                return
            on_news(json.loads(line))


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()  # the process ends when its input does
    process.terminate()  # as `kill`, of no effect on one that has ended
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    process.kill()
    process.wait()


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][-300:] if lines else "it said nothing"
