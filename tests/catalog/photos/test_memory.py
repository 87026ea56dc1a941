"""No photo takes much more memory than its limit says, measured in a process of its own."""

import struct
import subprocess
import sys
import time
import zlib

import pytest
from django.conf import settings
from PIL import Image

from catalog.photo_files import PhotoLimits, PhotoRefused, check_photo, open_upright
from catalog.photos.apart import apart
from tests.factories import encode, photo_bytes
from tests.support.costly_photos import (
    jpeg_beginning_with,
    jpeg_of_headers,
    png_of_parts,
    webp_of_parts,
    with_one_scan,
)
from tests.support.odd_files import png_chunk

MEASURE = """
import resource, sys
from catalog.photo_files import PhotoLimits, PhotoRefused, check_photo, open_upright
data = sys.stdin.buffer.read()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before, outcome = peak(), "taken"
try:
    check_photo(data, PhotoLimits())
    open_upright(data, 578, PhotoLimits().max_pixels)
except PhotoRefused as refused:
    outcome = str(refused)
print(peak() - before, outcome)
"""


def blank(format: str, width: int, height: int, mode: str = "RGB", **options) -> bytes:
    return encode(Image.new(mode, (width, height), 120), format, **options)


def png(width: int, height: int, kind: int, channels: int, depth: int) -> bytes:
    """A PNG of any kind of pixels, also of those that Pillow does not write."""
    rows = zlib.compressobj(1)
    row = b"\0" + bytes(width * channels * depth // 8)
    pixels = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


HOSTILE_AND_LARGE = {
    "jpeg of 64 megapixels": (lambda: blank("JPEG", 9248, 6944), "taken"),
    "progressive jpeg of 64": (lambda: blank("JPEG", 9248, 6944, progressive=True), "taken"),
    "finely sampled one": (
        lambda: blank("JPEG", 9248, 6944, progressive=True, subsampling=0),
        "progressive JPEG",
    ),
    "progressive one that ends after a scan": (
        lambda: with_one_scan(8064, 8056, progressive=True),
        "progressive JPEG",
    ),
    "jpeg of millions of segments": (lambda: jpeg_beginning_with(b"\xff\xe5\0\2" * 4_000_000), "10000 parts"),
    "the same behind an end": (
        lambda: jpeg_beginning_with(b"\xff\xd9" + b"\xff\xe5\0\2" * 4_000_000),
        "10000 parts",
    ),
    "jpeg of many headers": (lambda: jpeg_of_headers(300), "several headers"),
    "png of many parts": (lambda: png_of_parts(1_400_000), "10000 parts"),
    "webp of many parts": (lambda: webp_of_parts(2_000_000), "10000 parts"),
    "png with alpha of 50": (lambda: png(8192, 6144, 6, 4, 8), "taken"),
    "png of 16 bits, 50": (lambda: png(8192, 6144, 2, 3, 16), "taken"),
    "grey png of 16 bits, 50": (lambda: png(8192, 6144, 0, 1, 16), "taken"),
    "long strip of 16 bits": (lambda: png(400_000, 120, 0, 1, 16), "times as long"),
    "webp with alpha of 50": (
        lambda: blank("WEBP", 8192, 6144, "RGBA", lossless=True, method=0),
        "14 are taken of this kind of file (WebP)",
    ),
    "webp of 13": (lambda: blank("WEBP", 4160, 3120, "RGBA", lossless=True, method=0), "taken"),
}


@pytest.mark.parametrize("kind", HOSTILE_AND_LARGE)
def test_photo_takes_250_megabytes_at_most(kind):
    make, words = HOSTILE_AND_LARGE[kind]
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE],
        cwd=settings.BASE_DIR,
        input=make(),
        capture_output=True,
        check=True,
    )
    megabytes, outcome = measured.stdout.decode().split(" ", 1)
    assert words in outcome
    assert int(megabytes) < 250


@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"\xff\0", b"\xff\xd0"], ids=bytes.hex)
def test_megabytes_of_nothing_before_a_picture_are_refused_at_once(filler):
    data = jpeg_beginning_with(filler * (19_000_000 // len(filler)))
    started = time.thread_time()
    with pytest.raises(PhotoRefused, match="much between them"):
        check_photo(data, PhotoLimits())
    assert time.thread_time() - started < 1


def test_photo_of_as_many_parts_as_programs_write_is_taken():
    pixels = encode(Image.effect_noise((1600, 1200), 50), "PNG")
    parts = png_of_parts(4000)
    assert check_photo(parts, PhotoLimits()).extension == "png"
    assert check_photo(pixels, PhotoLimits()).width == 1600
    padded = jpeg_beginning_with(b"\0" * 10_000 + b"\xff\xe2\0\2" * 300)
    assert check_photo(padded, PhotoLimits()).extension == "jpg"
    assert check_photo(photo_bytes() + b"\xff\xda" * 10**6, PhotoLimits()).extension == "jpg"


def peak_of_decoder() -> int:
    """Megabytes."""
    with open(f"/proc/{apart._process.pid}/status") as file:  # noqa: PTH123
        return int(file.read().split("VmHWM:")[1].split()[0]) // 1024


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits a process's memory")
@pytest.mark.parametrize(("format", "size"), [("AVIF", (6000, 4000)), ("HEIF", (2000, 1500))])
def test_hidden_frame_takes_no_more_than_its_process_may_have(format, size):
    """The header claims 320 x 240 pixels, the frame inside has more."""
    data = bytearray(encode(Image.new("RGB", size, 120), format, speed=10))
    place = -1
    while (place := data.find(b"ispe", place + 1)) > 0:
        data[place + 8 : place + 16] = struct.pack(">II", 320, 240)
    try:
        assert open_upright(bytes(data), 578, PhotoLimits().max_pixels).size == (320, 240)
    except PhotoRefused:
        assert apart._process is None or apart._process.poll() is None
    check_photo(encode(Image.new("RGB", (64, 64)), format), PhotoLimits())
    assert peak_of_decoder() < 500  # 400, and what Python takes itself


def test_decoder_that_is_killed_refuses_one_photo_and_takes_the_next():
    good = encode(Image.new("RGB", (64, 64), 120), "HEIF")
    assert check_photo(good, PhotoLimits()).extension == "heic"
    apart._process.kill()
    apart._process.wait()
    assert check_photo(good, PhotoLimits()).extension == "heic", "it is started again"


def test_photo_that_takes_too_much_in_its_process_is_refused_with_a_sentence(monkeypatch):
    """More pixels than decoding has memory for: 10 bits, finely sampled, with alpha."""
    apart.end()
    image = Image.new("RGBA", (7500, 5300), (1, 2, 3, 4))
    data = encode(image, "AVIF", speed=10, subsampling="4:4:4")
    with pytest.raises(PhotoRefused, match=r"more memory|damaged"):
        open_upright(data, None, PhotoLimits().max_pixels)
    assert check_photo(encode(image.resize((64, 64)), "AVIF"), PhotoLimits()).width == 64
