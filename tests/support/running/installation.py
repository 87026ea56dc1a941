"""Starts the real processes of an installation: channel server, web server, worker.

Used by the browser tests and by the benchmarks. Each process is a child that is ended by its id.
"""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from config.demo import BASE_DIR, HOST, channel_server, web_server

START_SECONDS = 60
STOP_SECONDS = 15


class Installation:
    """Processes that share a data folder; `environment` is what they are started with."""

    def __init__(self, data_dir: Path, **environment: str):
        self.data_dir = data_dir
        self.sockets = tempfile.TemporaryDirectory(
            prefix="shelfsight-"
        )  # its path is short enough for a socket
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.processes: dict[str, subprocess.Popen] = {}
        channels = Path(self.sockets.name) / "channels.sock"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATA_DIR": str(data_dir),
            "HTTPS": "0",
            "REDIS_URL": f"unix://{channels}",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.commands = {
            "channels": channel_server(channels),
            "web": web_server(str(self.port)),
            "worker": f'"{sys.executable}" manage.py worker',
        }
        self._share_exported_backbones()

    def _share_exported_backbones(self):
        """Exporting one takes longer than most tests together."""
        cache = BASE_DIR / "var" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        (self.data_dir / "cache").symlink_to(cache)

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        ended = subprocess.run(
            command, check=True, cwd=BASE_DIR, env=self.environment, capture_output=True, text=True
        )
        return ended.stdout

    def start(self, *names: str) -> None:
        for name in names or ("channels", "web", "worker"):
            if name in self.processes:
                continue
            with self.log(name).open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    shlex.split(self.commands[name]),
                    cwd=BASE_DIR,
                    env=self.environment,
                    stdout=log,
                    stderr=log,
                )
            self._wait_for(name)

    def _wait_for(self, name: str) -> None:
        until = time.monotonic() + START_SECONDS
        while not self._answers(name):
            if self.processes[name].poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{name} did not start:\n{self.log(name).read_text()[-3000:]}")
            time.sleep(0.05)

    def _answers(self, name: str) -> bool:
        if name == "worker":
            return True  # nothing waits for it: its work is in the database
        try:
            if name == "web":
                with urllib.request.urlopen(f"{self.url}/admin/login/") as response:  # noqa: S310
                    return response.status == 200
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(f"{self.sockets.name}/channels.sock")
            return True
        except OSError:
            return False

    def log(self, name: str) -> Path:
        return self.data_dir / f"{name}.log"

    def stop(self, *names: str, number: int = signal.SIGTERM) -> None:
        for name in names or tuple(reversed(self.processes)):
            process = self.processes.pop(name, None)
            if process is None:
                continue
            process.send_signal(number)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill(self, name: str) -> None:
        self.stop(name, number=signal.SIGKILL)

    @contextlib.contextmanager
    def worker_paused(self):
        """The task queue stands still, as one does that is busy with another shop."""
        queue = self.queue_pid()
        os.killpg(queue, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(queue, signal.SIGCONT)

    def queue_pid(self) -> int:
        """The id of the qcluster process that the worker looks after; it leads a process group."""
        worker = self.processes["worker"].pid
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            for child in _children(worker):
                if os.getpgid(child) == child:
                    return child
            time.sleep(0.05)
        raise RuntimeError("The worker started no queue.")

    def close(self) -> None:
        self.stop()
        self.sockets.cleanup()


def _children(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    rows = (line.split() for line in listing.stdout.splitlines())
    return [int(child) for child, parent in rows if int(parent) == pid]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
