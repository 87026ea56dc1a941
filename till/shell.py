"""Serves the page of the till and what it consists of: for everybody, since none of it is a shop's."""

import json
from pathlib import Path

import brotli
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from ml_training.recognizer.files import write_atomically
from till import release
from till.streaming import stream
from till.words.check import check_words
from till.words.page import page_words

# What computes may fetch from this site and run WebAssembly, and nothing else.
WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
SERVICE_WORKER = release.STATIC / "till" / "page" / "sw.js"


def page_config() -> dict[str, str]:
    """What the scripts of the page need to know before they ask for anything."""
    return {
        "release": release.release(),
        "static": static("till/"),
        "worker": reverse("till-worker"),
        "ort": _wasm_address("ort"),
        "zxing": _wasm_address("zxing"),
        "state": reverse("till-state"),
        "corrections": reverse("till-corrections"),
        "check": reverse("till-check"),
        "login": f"{reverse('admin:login')}?next={reverse('till')}",
        "sw": reverse("till-sw"),
    }


def _wasm_address(name: str) -> str:
    return reverse("till-wasm", args=[release.wasm_digest(name), name])


@require_safe
@never_cache
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "till/page.html", {"config": page_config(), "words": page_words()})


@require_safe
@never_cache
@ensure_csrf_cookie
def check(request: HttpRequest) -> HttpResponse:
    """A page that measures a phone."""
    return render(request, "till/check.html", {"config": page_config(), "words": check_words()})


@require_safe
@never_cache
def worker(request: HttpRequest) -> HttpResponse:
    """The script that computes, under a policy of its own."""
    response = HttpResponse(f'import "{static("till/engine/worker.js")}";\n', "text/javascript")
    response["Content-Security-Policy"] = WORKER_POLICY
    return response


@require_safe
@never_cache
def service_worker(request: HttpRequest) -> HttpResponse:
    """Keeps the page for when there is no network; told which release this is and what belongs to it."""
    config = page_config()
    shell = [config["worker"], config["ort"], config["zxing"], *release.shell_addresses()]
    pages = [reverse("till"), config["check"]]
    told = {"RELEASE": config["release"], "SHELL": shell, "PAGES": pages}
    head = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in told.items())
    response = HttpResponse(head + SERVICE_WORKER.read_text(encoding="utf-8"), "text/javascript")
    response["Service-Worker-Allowed"] = reverse("till")
    return response


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """What a phone needs to put the page beside its apps."""
    icons = [
        {
            "src": static(f"till/icons/{name}.png"),
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": purpose,
        }
        for name, side, purpose in (("192", 192, "any"), ("512", 512, "any"), ("maskable", 512, "maskable"))
    ]
    about = {
        "id": reverse("till"),
        "name": _("Shelfsight till"),
        "short_name": _("Till"),
        "start_url": reverse("till"),
        "scope": reverse("till"),
        "display": "standalone",
        "background_color": "#111a22",
        "theme_color": "#111a22",
        "icons": icons,
    }
    return JsonResponse(about, content_type="application/manifest+json")


@require_safe
def wasm(request: HttpRequest, digest: str, name: str) -> HttpResponseBase:
    """A WebAssembly file: packed as it is kept, or unpacked for browsers that take no Brotli."""
    if name not in release.WASM or digest != release.wasm_digest(name):
        raise Http404("There is no such file in this release.")
    is_packed = "br" in request.headers.get("Accept-Encoding", "").replace(",", " ").split()
    path = release.packed_wasm(name) if is_packed else _unpacked(name)
    response = stream(request, path.open("rb"), path.stat().st_size, "application/wasm")
    if is_packed:
        response["Content-Encoding"] = "br"
    response["Vary"] = "Accept-Encoding"
    return response


def _unpacked(name: str) -> Path:
    """Unpack a file, once."""
    path = settings.CACHE_DIR / "till" / f"{release.wasm_digest(name)}.wasm"
    if not path.exists():
        write_atomically(path, brotli.decompress(release.packed_wasm(name).read_bytes()))
    return path
