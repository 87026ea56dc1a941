"""How much memory the web server takes to stream the manifest of a shop with very many photos.

    python -m benchmarks.manifest_stream [--photos 100000]

The peak of the server's memory during the request, less what it had before it, as Linux counts it.
"""

import argparse
import json
import re
import time
from pathlib import Path

import httpx

from benchmarks.api_site import site

RESULTS = Path(__file__).parent / "results" / "manifest_stream.json"
A_PRODUCT = 100  # photos


def memory_mb(pid: int, name: str) -> float:
    """`VmRSS` (now) or `VmHWM` (at most so far) of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) / 1024


def measure(photos: int) -> dict:
    with site(photos // A_PRODUCT, A_PRODUCT) as (installation, token):
        headers = {"Authorization": f"Bearer {token}"}
        url, pid = f"{installation.url}/api/manifest/default.ndjson", installation.processes["web"].pid
        httpx.get(f"{installation.url}/photos/1/none/", headers=headers)  # everything is imported by now
        before, started = memory_mb(pid, "VmRSS"), time.perf_counter()
        size = lines = 0
        with httpx.stream("GET", url, headers=headers, timeout=60) as response:
            for line in response.iter_lines():
                lines, size = lines + 1, size + len(line) + 1
        seconds = time.perf_counter() - started
        return {
            "photos": photos,
            "lines": lines,
            "stream_mb": round(size / 1024**2, 1),
            "seconds": round(seconds, 2),
            "before_mb": round(before, 1),
            "growth_mb": round(memory_mb(pid, "VmHWM") - before, 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--json", default=str(RESULTS), help="where the figures go; empty: nowhere")
    options = parser.parse_args()
    found = measure(options.photos)
    if options.json:
        Path(options.json).parent.mkdir(exist_ok=True)
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
