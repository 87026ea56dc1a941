"""Reads the environment variables that configure an installation, and fails with a sentence.

They raise ImproperlyConfigured where a value is wrong; the text names the variable and what it takes.
"""

import contextlib
import os
import secrets
import time
import zoneinfo
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
MIN_SECRET = 32  # characters: shorter ones can be guessed, and with them sessions are forged
MIN_DIFFERENT = 8  # of them: a random key of 32 hexadecimal digits has 14 on average


def whole_number(name: str, default: int, least: int = 0, most: int = 1_000_000) -> int:
    """Read a whole number from `least` to `most`, which by default is a century in hours."""
    text = os.environ.get(name, str(default)).strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be a whole number from {least} to {most}.")
    return int(text)


def switch(name: str, default: bool) -> bool:
    """Read an on/off value: 1/0, true/false, yes/no, on/off."""
    text = os.environ.get(name, "1" if default else "0").strip().lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name} is {text!r}; write 1 or 0.")


def number_of_proxies(name: str) -> int:
    """Read how many proxies are in front: a number, or a switch, whose "on" is one."""
    text = os.environ.get(name, "0").strip()
    return whole_number(name, 0, most=10) if text.isdecimal() else int(switch(name, False))


def one_of(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """Read one of a few words."""
    text = os.environ.get(name, default)
    if text not in allowed:
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be one of: {', '.join(allowed)}.")
    return text


def web_address(name: str) -> str:
    """Read the address of another server, such as https://gpu.example:8100; empty if there is none."""
    text = os.environ.get(name, "").strip().rstrip("/")
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:  # a port that is no number
        sound = False
    if text and (not sound or parts.username is not None or parts.query or parts.fragment):
        raise ImproperlyConfigured(
            f"{name} is {text!r}; it must look like https://host or https://host:8100, without a password."
        )
    return text


def private_folder(path: Path) -> Path:
    """Make a folder that no other account may enter, or close it where an earlier release left it open."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        with contextlib.suppress(PermissionError):  # it is another account's, who decides who enters
            path.chmod(0o700)
    return path


def time_zone(name: str, default: str) -> str:
    """Read the name of a time zone, such as Europe/Oslo."""
    text = os.environ.get(name) or default
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ImproperlyConfigured(
            f"{name} is {text!r}; it must be a time zone such as Europe/Oslo."
        ) from error
    return text


def secret_key(data_dir: Path) -> str:
    """Return SECRET_KEY, or the key kept in the data folder, made on first use (mode 0600)."""
    if key := os.environ.get("SECRET_KEY"):
        if len(key) < MIN_SECRET or len(set(key)) < MIN_DIFFERENT:
            raise ImproperlyConfigured(
                f"SECRET_KEY has {len(key)} characters, of {len(set(key))} kinds; it needs {MIN_SECRET} that "
                "nobody can guess. Leave it out, and one is made and kept in DATA_DIR."
            )
        return key
    path = data_dir / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _wait_for_key(path)
    with os.fdopen(descriptor, "w") as file:
        file.write(key := secrets.token_urlsafe(64))
    return key


def _wait_for_key(path: Path) -> str:
    """Read a key that another process may be writing at this moment."""
    for _ in range(100):
        if key := path.read_text().strip():
            return key
        time.sleep(0.01)
    raise ImproperlyConfigured(f"{path} is empty: delete it (everyone is then logged out) or set SECRET_KEY.")
