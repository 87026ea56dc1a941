"""How long news of training takes from a worker process to the page, and to 500 open sockets.

    CHROMIUM=/usr/bin/chromium python -m benchmarks.push_latency

A task in a real queue worker sends the events, through the packaged channel server and a real web server, to
a page in Chromium and to sockets of the `websockets` library. All of it shares one machine and one clock.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

from tests.support.running.installation import Installation

RESULTS = Path(__file__).parent / "results" / "push_latency.json"
PASSWORD = "only-for-the-benchmark"  # noqa: S105
PAGE = "/admin/settings/ml-model/"
# Notes when a progress event and when a notification changed the page.
WATCH = """() => {
  window.changes = { progress: {}, status: {} };
  const watch = (element, note) => new MutationObserver(note).observe(element, { attributes: true });
  const bar = document.querySelector("[data-ml=progress]"), unread = document.querySelector("[data-unread]");
  watch(bar, () => { window.changes.progress[bar.value.toFixed(4)] ??= Date.now(); });
  watch(unread, () => { window.changes.status[unread.dataset.unread] ??= Date.now(); });
}"""


# --- in the worker process --------------------------------------------------------------------------


def send_events(kind: str, count: int, every: float, path: str) -> None:
    """The task: send events, then write down when each was sent."""
    from catalog.models import Shop
    from ml_training.runs import lifecycle, queue
    from ml_training.runs.complete import complete
    from notifications.models import Notification

    shop = Shop.default()
    run = lifecycle.claim(queue.request_training(shop.pk, queue.Change("asked")).pk)
    time.sleep(1)  # the page hears of the run first
    send = {"progress": _send_progress, "status": _send_status}[kind]
    unread = Notification.objects.filter(read_at=None).count()
    sent = {}
    for number in range(1, count + 1):
        sent.update(send(run, number, count, unread))
        time.sleep(every)
    complete(run, None, "The benchmark is done.")
    Path(path).write_text(json.dumps(sent))


def _send_progress(run, number, count, unread) -> dict:
    from ml_training.events import emit_progress

    run.progress = number / (count + 1)
    started = time.time()
    emit_progress(run, number)
    return {f"{100 * run.progress:.4f}": started}


def _send_status(run, number, count, unread) -> dict:
    """A change of state: a row for each recipient, how the shop is now, and the notification."""
    from ml_training.events import QUEUED, MLStatusEvent, emit

    started = time.time()
    emit(MLStatusEvent(run.shop_id, 10**6 * run.pk + number, QUEUED, 0, "waiting", "", run.sequence, 0))
    return {str(unread + number): started}


# --- outside ----------------------------------------------------------------------------------------


def ask_worker(installation: Installation, kind: str, count: int, every: float) -> Path:
    path = installation.data_dir / f"sent-{kind}-{time.monotonic_ns()}.json"
    code = (
        "from django_q.tasks import async_task; "
        f"async_task('benchmarks.push_latency.send_events', {kind!r}, {count}, {every}, {str(path)!r})"
    )
    installation.manage("shell", "-c", code)
    return path


def read_when_there(path: Path, wait=time.sleep) -> dict[str, float]:
    until = time.monotonic() + 300
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < until, "the worker did not send"
        wait(0.2)
    wait(5)  # what is still on its way
    return json.loads(path.read_text())


def measure_page(installation: Installation, page, kind: str, count: int, every: float) -> dict:
    page.goto(f"{installation.url}{PAGE}")
    page.locator(".bell-list .bell-head").wait_for(state="attached")
    page.evaluate(WATCH)
    path = ask_worker(installation, kind, count, every)
    sent = read_when_there(path, lambda seconds: page.wait_for_timeout(1000 * seconds))
    changed = page.evaluate("window.changes")[kind]
    return summary([changed[key] - 1000 * sent[key] for key in sent if key in changed], len(sent))


async def measure_sockets(
    installation: Installation, cookie: str, sockets: int, kind: str, count: int, every: float
) -> dict:
    import websockets

    heard: list[tuple[float, str]] = []
    gate = asyncio.Semaphore(20)
    ready = asyncio.Semaphore(0)

    def note(message: str) -> None:
        heard.append((time.time(), message))

    async def listen():
        headers = {"Cookie": f"sessionid={cookie}"}
        async with gate:
            address = installation.url.replace("http", "ws") + "/ws/notifications/"
            socket = await websockets.connect(
                address, origin=installation.url, additional_headers=headers, open_timeout=60
            )
            await socket.recv()  # the snapshot
        ready.release()
        async for message in socket:
            note(message)

    tasks = [asyncio.create_task(listen()) for _ in range(sockets)]
    for _ in tasks:
        await ready.acquire()
    path = await asyncio.to_thread(ask_worker, installation, kind, count, every)
    sent = await asyncio.to_thread(read_when_there, path)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    latencies = []
    for at, text in heard:
        message = json.loads(text)
        if message["type"] == "progress" and kind == "progress":
            key = f"{100 * message['progress']:.4f}"
        elif message["type"] == "notification" and kind == "status":
            key = str(message["unread"])
        else:
            continue
        if key in sent:
            latencies.append(1000 * (at - sent[key]))
    return summary(latencies, sockets * len(sent))


def summary(latencies: list[float], expected: int) -> dict:
    assert latencies, "nothing arrived"
    ordered = sorted(latencies)
    at = {f"p{share}": round(ordered[int(share / 100 * (len(ordered) - 1))], 1) for share in (50, 95, 99)}
    return {"sent": expected, "arrived": len(ordered), **at, "largest": round(ordered[-1], 1)}


def prepare(data_dir: Path) -> Installation:
    installation = Installation(data_dir, BACKBONE="efficientnet-lite0", DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    installation.manage("migrate", "--verbosity", "0")
    installation.manage(
        "createsuperuser", "--noinput", "--username", "staff", "--email", "staff@shop.example"
    )
    installation.start()
    return installation


def log_in(browser, url: str):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}{PAGE}")
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{PAGE}")
    cookie = next(item["value"] for item in context.cookies() if item["name"] == "sessionid")
    return page, cookie


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200, help="progress events to one page")
    parser.add_argument("--sockets", type=int, default=500)
    options = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory(prefix="push-latency-") as folder:
        installation = prepare(Path(folder))
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=os.environ.get("CHROMIUM"), args=["--no-sandbox", "--disable-quic"]
                )
                page, cookie = log_in(browser, installation.url)
                for kind, count in (("progress", options.events), ("status", options.events // 4)):
                    figures[f"{kind}, one page"] = measure_page(installation, page, kind, count, 0.1)
                browser.close()
            for kind, count in (("progress", 40), ("status", 5)):
                every = {"progress": 0.25, "status": 5}[kind]  # progress: as often as it is pushed
                measured = measure_sockets(installation, cookie, options.sockets, kind, count, every)
                figures[f"{kind}, {options.sockets} sockets"] = asyncio.run(measured)
        finally:
            installation.close()
    report(figures)


def report(figures: dict) -> None:
    print(f"{'milliseconds':28} {'sent':>7} {'arrived':>8} {'p50':>8} {'p95':>8} {'p99':>8} {'largest':>8}")
    for name, row in figures.items():
        print(
            f"{name:28} {row['sent']:7} {row['arrived']:8} "
            + " ".join(f"{row[key]:8}" for key in ("p50", "p95", "p99", "largest"))
        )
    load = round(os.getloadavg()[0], 1)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"cores": os.cpu_count(), "load_at_end": load, "milliseconds": figures}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
