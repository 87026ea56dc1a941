"""What does a till cost a device, beside the same work in Python, in one run?

    CHROMIUM=/usr/bin/chromium python -m benchmarks.till [--json FILE]

An installation of its own with the demo's shop, and Chromium as its till. Bytes are those of the network,
packed where the server packs. Memory is that of all of the browser's processes, beyond an empty page's.
"""

import argparse
import base64
import io
import json
import os
import re
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

import httpx
import numpy as np
import onnxruntime
from PIL import Image

from benchmarks.installation import CACHE, RESULTS, show
from ml_training.recognizer.answers.graph import build_head_file
from ml_training.recognizer.backbone import packaged_backbone
from ml_training.recognizer.preprocess import to_pixels
from ml_training.recognizer.train import fit_model
from tests.support.codes import draw_code, ean
from tests.support.demo import demo_photo
from tests.support.pages.till_page import CAMERA, RECORD, film
from tests.support.running.installation import Installation

REPEATS = 9
SCENE_FRAMES = 120  # of each product, before the other one is shown
WATCHED_SECONDS = 40
LARGE_SHOP = (500, 3)  # products, photos of each
OPTIONS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--no-first-run"]
GOALS = {
    "first visit, MB": 15,
    "a retrain, kB a product": 10,
    "a retrain of 500 products, kB a product": 10,
    "one frame, times Python on one thread": 8,
    "a barcode at 720 x 720, ms": 15,
    "memory beyond an empty page, MB": 250,
    "cached start, times one photo in Python": 75,
    "frames with the other product's price": 0,
}
START = """async () => {
  const { Recognizer } = await import("/static/till/engine/recognizer.js");
  const shell = JSON.parse((await (await fetch("/till/sw.js")).text()).match(/SHELL = (.*);/)[1]);
  const state = await (await fetch("/till/state.json")).json();
  const words = { broken: "broken", slow: "slow", closed: "closed" };
  window.recognizer = new Recognizer({ worker: shell[0], ort: shell[1], zxing: shell[2], words });
  await recognizer.ready();
  await recognizer.load(state.model, async (url) => (await fetch(url)).arrayBuffer());
  window.picture = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const pen = canvas.getContext("2d");
    pen.drawImage(bitmap, 0, 0);
    return pen.getImageData(0, 0, bitmap.width, bitmap.height);
  };
}"""
TIME = """async ([text, repeats, kind]) => {
  const times = [];
  for (let turn = 0; turn < repeats; turn++) {
    const image = await picture(text);
    const began = performance.now();
    await (kind === "look" ? recognizer.look(image, { codes: false }) : recognizer.codes(image));
    times.push(performance.now() - began);
  }
  return times;
}"""


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, default=RESULTS / "till.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="till-") as folder, sync_playwright() as playwright:
        site = Installation(Path(folder), DEMO_PASSWORD="only-for-benchmarks")  # noqa: S106
        try:
            site.manage("migrate", "--verbosity", "0")
            site.manage("demo_setup")
            site.manage("train")
            site.start("channels", "web")
            found = measure(site, playwright.chromium)
        finally:
            site.close()
    options.json.write_text(json.dumps({"found": found, "goals": GOALS}, indent=1) + "\n")
    rows = [(name, round(value, 2), GOALS.get(name, "")) for name, value in found.items()]
    show("A till beside Python", [("what", "found", "at most"), *rows])


def measure(site: Installation, chromium) -> dict[str, float]:
    address = json.loads(site.manage("add_till", "Benchmark", "--url", site.url, "--json"))["url"]
    found = count_bytes(site.url, address.partition("#token=")[2])
    found["a retrain of 500 products, kB a product"] = measure_large_head() / LARGE_SHOP[0] / 1000
    in_python = time_python()
    found |= time_engine(site, chromium, in_python)
    found |= time_page(address, chromium, in_python)
    return found | count_wrong_frames(address, chromium)


def count_bytes(site: str, token: str) -> dict[str, float]:
    """What a device fetches at its first visit, without the products' pictures, and at a retrain."""
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "br, gzip"}
    with httpx.Client(base_url=site, headers=headers, timeout=60) as client:

        def size(path: str) -> int:
            with client.stream("GET", path) as response:
                response.raise_for_status()
                return sum(len(chunk) for chunk in response.iter_raw())

        shell = json.loads(re.search("SHELL = (.*);", client.get("/till/sw.js").text).group(1))
        state = client.get("/till/state.json").json()
        model = state["model"]
        first = [
            "/till/",
            "/till/sw.js",
            "/till/state.json",
            *shell,
            model["backbone"]["url"],
            model["head"]["url"],
        ]
        return {
            "first visit, MB": sum(map(size, first)) / 1e6,
            "a retrain, kB a product": size(model["head"]["url"]) / len(model["labels"]) / 1000,
        }


def measure_large_head() -> int:
    """Bytes of a head for many products: how large it is does not depend on what they look like."""
    products, photos = LARGE_SHOP
    size = packaged_backbone("efficientnet-lite2", CACHE).vector_size
    rng = np.random.default_rng(0)
    vectors = np.repeat(rng.normal(size=(products, size)), photos, axis=0) + rng.normal(
        size=(products * photos, size)
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    model = fit_model(vectors.astype(np.float32), np.repeat(np.arange(products), photos), lambda *_: None)
    return len(build_head_file(model.head))


def time_python() -> float:
    """Milliseconds of one photo on one thread: its pixels and the backbone."""
    backbone = packaged_backbone("efficientnet-lite2", CACHE)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(backbone.path, options, providers=["CPUExecutionProvider"])
    picture, times = demo_photo("Avocado", 0).resize((640, 640)), []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        session.run(["vectors"], {"pixels": to_pixels(picture, backbone.preprocessing)[None]})
        times.append(1000 * (time.perf_counter() - began))
    return median(times[1:])


def time_engine(site: Installation, chromium, in_python: float) -> dict[str, float]:
    """What computes, alone on a bare page."""
    browser = chromium.launch(executable_path=os.environ.get("CHROMIUM"), args=OPTIONS)
    page = browser.new_context(base_url=site.url).new_page()
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill("only-for-benchmarks")
    page.get_by_role("button", name="Log in").click()
    page.goto("/till/manifest.webmanifest")
    page.evaluate(START)
    frame = as_text(demo_photo("Avocado", 0).resize((640, 640)))
    code = as_text(draw_code(ean("400638133393"), 720))
    looks = page.evaluate(TIME, [frame, REPEATS + 1, "look"])[1:]
    codes = page.evaluate(TIME, [code, 3 * REPEATS, "codes"])[1:]
    browser.close()
    return {
        "one frame in Python, ms": in_python,
        "one frame, ms": median(looks),
        "one frame, times Python on one thread": median(looks) / in_python,
        "a barcode at 720 x 720, ms": median(codes),
    }


def time_page(address: str, chromium, in_python: float) -> dict[str, float]:
    """The page itself: what it takes while it answers from a camera, and how soon it does when it is kept."""
    with tempfile.TemporaryDirectory(prefix="browser-") as profile:
        context = chromium.launch_persistent_context(
            profile, executable_path=os.environ.get("CHROMIUM"), args=[*OPTIONS, *CAMERA]
        )
        page = context.new_page()
        page.goto(address.partition("/till/")[0] + "/till/manifest.webmanifest")
        time.sleep(2)
        empty = memory_of(profile)
        page.goto(address)
        page.wait_for_selector('[data-till-page][data-state="ready"]', timeout=60_000)
        time.sleep(10)  # it looks at the camera's pictures meanwhile
        full = memory_of(profile)
        starts = []
        for _ in range(3):
            began = time.perf_counter()
            page.reload(wait_until="commit")
            page.wait_for_selector('[data-till-page][data-state="ready"]', timeout=60_000)
            starts.append(1000 * (time.perf_counter() - began))
        context.close()
    return {
        "memory beyond an empty page, MB": full - empty,
        "cached start, ms": median(starts),
        "cached start, times one photo in Python": median(starts) / in_python,
    }


def count_wrong_frames(address: str, chromium) -> dict[str, float]:
    """Frames of one product beside the other's name or price, while a film goes from one to the other."""
    with tempfile.TemporaryDirectory(prefix="film-") as folder:
        red = tinted("Red-Bell-Pepper", (200, 30, 30))
        green = tinted("Oatly-Oat-Milk", (30, 170, 30))
        path = film(Path(folder) / "film.mjpeg", (red, SCENE_FRAMES), (green, SCENE_FRAMES))
        options = [*OPTIONS, *CAMERA, f"--use-file-for-fake-video-capture={path}"]
        browser = chromium.launch(executable_path=os.environ.get("CHROMIUM"), args=options)
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector('[data-till-page][data-state="ready"]', timeout=60_000)
        page.evaluate(RECORD)
        time.sleep(WATCHED_SECONDS)
        seen = page.evaluate("seen")
        browser.close()
    shown = {
        colour: Counter(frame["first"] for frame in seen if frame[colour]) for colour in ("isRed", "isGreen")
    }
    usual = {
        colour: Counter({k: n for k, n in of.items() if k}).most_common(1)[0][0]
        for colour, of in shown.items()
    }
    wrong = shown["isRed"][usual["isGreen"]] + shown["isGreen"][usual["isRed"]]
    answered = sum(n for of in shown.values() for first, n in of.items() if first)
    return {"frames watched with an answer": answered, "frames with the other product's price": wrong}


def tinted(sku: str, colour: tuple[int, int, int]) -> Image.Image:
    """A photo that tells by the colour of its middle which of two it is."""
    photo = demo_photo(sku, 0)
    return Image.blend(photo, Image.new("RGB", photo.size, colour), 0.7)


def memory_of(profile: str) -> float:
    """MB that the processes of a browser have for themselves, and their share of what they have together."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if profile.encode() in (process / "cmdline").read_bytes() or _is_child(process, profile):
                rollup = (process / "smaps_rollup").read_text()
                total += int(re.search(r"Pss:\s+(\d+)", rollup).group(1))
        except (OSError, AttributeError):
            continue  # it ended meanwhile
    return total / 1000


def _is_child(process: Path, profile: str) -> bool:
    """Whether one of its parents is the browser with this profile: renderers do not name it."""
    for _ in range(5):
        parent = int(re.search(r"PPid:\s+(\d+)", (process / "status").read_text()).group(1))
        if parent <= 1:
            return False
        process = Path("/proc") / str(parent)
        if profile.encode() in (process / "cmdline").read_bytes():
            return True
    return False


def as_text(picture) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    return base64.b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    main()
