"""A Shelfsight of its own for a benchmark: a temporary data folder, SQLite, processes that are measured."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = ROOT / "var" / "cache"  # exported backbones, kept from one benchmark to the next
RESULTS = Path(__file__).parent / "results"
TURN_SECONDS = 1.0


@dataclass(frozen=True)
class Usage:
    """What a process took from its start to its end, and the JSON object that it printed."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    report: dict


@contextmanager
def installation(backbone: str | None = None) -> Iterator[dict]:
    """Yield the environment of an empty, migrated installation; its folder goes at the end."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shelfsight-benchmark-") as folder:
        (Path(folder) / "cache").symlink_to(CACHE)
        environment = {**os.environ, "DATA_DIR": folder, "LOG_LEVEL": "WARNING"}
        environment |= {"BACKBONE": backbone} if backbone else {}
        for name in ("DATABASE_URL", "REDIS_URL"):
            environment.pop(name, None)
        run_measured(["manage.py", "migrate", "--verbosity", "0"], environment)
        yield environment


def import_photos(folder: Path, environment: dict) -> dict:
    return run_measured(["manage.py", "import_photos", str(folder), "--json"], environment).report


def run_measured(arguments: list[str], environment: dict) -> Usage:
    """Run `python ARGUMENTS` to its end."""
    return take_turns({"it": (arguments, environment)})["it"]


def take_turns(commands: dict[str, tuple[list[str], dict]]) -> dict[str, Usage]:
    """Run several `python ARGUMENTS` to their ends, one at a time, a second each in turn.

    Whatever else the machine does then hits all of them alike, and their ratio stays true. Only the time in
    which a process was let run counts as its seconds.

    Raises:
        CalledProcessError: one of them did not end well.
    """
    going, seconds, done = {}, dict.fromkeys(commands, 0.0), {}
    for name, (arguments, environment) in commands.items():
        going[name] = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        if len(commands) > 1:
            os.kill(going[name].pid, signal.SIGSTOP)  # not send_signal, which would reap one that has ended
    while going:
        for name, process in list(going.items()):
            os.kill(process.pid, signal.SIGCONT)
            started, ended = time.perf_counter(), None
            while time.perf_counter() - started < TURN_SECONDS and ended is None:
                time.sleep(0.01)
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                ended = (status, usage) if pid else None
            seconds[name] += time.perf_counter() - started
            if ended is None and len(going) > 1:
                os.kill(process.pid, signal.SIGSTOP)
            elif ended is not None:
                done[name] = _usage(going.pop(name), seconds[name], *ended)
    return done


def _usage(process: subprocess.Popen, seconds: float, status: int, usage) -> Usage:
    output = process.stdout.read()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, output)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    report = json.loads(output) if output.strip() else {}
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6, report)


def show(title: str, rows: list[tuple]) -> None:
    """Print a table; the first row is its head."""
    texts = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    print(f"\n{title}")
    for first, *others in texts:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]))


def write(name: str, result: dict) -> None:
    """Keep a benchmark's figures together with what kind of machine they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    machine = {"cores": os.cpu_count(), "load_at_end": round(os.getloadavg()[0], 1)}
    content = {"machine": machine, **result}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1, default=asdict) + "\n")
