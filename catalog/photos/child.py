"""The process that decodes HEIC and AVIF for another one: `python -m catalog.photos.child`.

It reads a line of JSON and a file from standard input, and writes JSON and pixels to standard output.
"""

import json
import sys
from dataclasses import asdict

import pillow_heif
from PIL import AvifImagePlugin

from catalog import photo_files

MAX_BYTES = 400_000_000  # of memory beyond what it has at its start
FORMATS = ("AVIF", "HEIF")


def main() -> None:
    pillow_heif.register_heif_opener()
    pillow_heif.options.DECODE_THREADS = 1
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    limit_memory()
    while line := sys.stdin.buffer.readline():
        question = json.loads(line)
        data = sys.stdin.buffer.read(question.pop("bytes"))
        answer, pixels = _answer(data, **question)
        sys.stdout.buffer.write(json.dumps(answer | {"bytes": len(pixels)}).encode() + b"\n" + pixels)
        sys.stdout.buffer.flush()
        del data, pixels


def _answer(
    data: bytes, what: str, least_side: int | None, max_pixels: int | None
) -> tuple[dict, bytes | memoryview]:
    """What about a picture is asked: `facts`, or `pixels` in RGB."""
    try:
        if what == "facts":
            return asdict(photo_files.read_facts(data, max_pixels or 0, FORMATS)), b""
        image = photo_files.read_upright(data, least_side, max_pixels, FORMATS)
        return {"size": image.size}, image.tobytes()
    except photo_files.PhotoRefused as refused:
        return {"refused": str(refused)}, b""


def limit_memory() -> None:
    """Let memory grow by MAX_BYTES only, where the system can hold a process to that: on Linux."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 (in pages; the sixth is data)
        pages = int(file.read().split()[5])
    most = pages * resource.getpagesize() + MAX_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
