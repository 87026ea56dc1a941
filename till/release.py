"""Which files the page of the till consists of, and a name for just these: it changes with any of them."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.templatetags.static import static

STATIC = Path(__file__).parent / "static"
TEMPLATES = ("till/page.html", "till/check.html")
WASM = {"ort": "vendor/ort/ort-wasm-simd-threaded.wasm", "zxing": "vendor/zxing/zxing_reader.wasm"}


def shell_files() -> list[Path]:
    """All static files that the page may ask for; WebAssembly has addresses of its own."""
    files = (
        path
        for path in (STATIC / "till").rglob("*")
        if path.suffix in {".js", ".mjs", ".css", ".png", ".svg"}
    )
    return sorted(path for path in files if path.name != "sw.js")


def shell_addresses() -> list[str]:
    return [static(path.relative_to(STATIC).as_posix()) for path in shell_files()]


@cache
def _kept_release() -> str:
    return _measure()


def release() -> str:
    """Such as 0.2.0-ab12cd34, which changes with any file of the page; read once, except in DEBUG."""
    return _measure() if settings.DEBUG else _kept_release()


def _measure() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    content = hashlib.sha256()
    packed = sorted((STATIC / "till" / "vendor").rglob("*.br"))
    templates = [settings.BASE_DIR / "templates" / name for name in TEMPLATES]
    words = sorted((Path(__file__).parent / "words").glob("*.py"))
    for path in [*shell_files(), *packed, STATIC / "till" / "page" / "sw.js", *templates, *words]:
        content.update(path.name.encode() + path.read_bytes())
    return f"{project['version']}-{content.hexdigest()[:8]}"


@cache
def wasm_digest(name: str) -> str:
    """The beginning of the SHA-256 of a packed file."""
    return hashlib.sha256(packed_wasm(name).read_bytes()).hexdigest()[:16]


def packed_wasm(name: str) -> Path:
    return STATIC / "till" / f"{WASM[name]}.br"
