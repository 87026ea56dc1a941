"""Photos of few bytes, or many small parts, that would buy much work or memory."""

import struct

from PIL import Image

from tests.factories import draw, encode, photo_bytes
from tests.support.odd_files import png_chunk

SCAN, TABLES, END = b"\xff\xda", b"\xff\xc4", b"\xff\xd9"
RESTARTS = b"\xff\xdd\0\4\0\1"  # after each block
HIDDEN_BYTES = 65_000


def with_hidden_scans(times: int, size: tuple[int, int] = (64, 64), marker: bytes = b"\xff\x02") -> bytes:
    """A progressive JPEG whose scans seem to lie in segments of a reserved marker: libjpeg knows no such."""
    data = encode(Image.new("RGB", size, (9, 200, 30)), "JPEG", progressive=True, subsampling=0)
    first = data.index(SCAN)
    tables = data.index(TABLES, first)
    second = data.index(SCAN, tables)
    scan = data[second : second + 10] + b"\0"
    hidden = scan * (HIDDEN_BYTES // len(scan))
    segments = b""
    for _ in range(-(-times * len(scan) // HIDDEN_BYTES)):
        segments += marker + struct.pack(">H", len(hidden) + 2) + hidden + scan
    start = RESTARTS + data[tables:second] + data[first : first + 14] + b"\0"
    return data[:first] + start + segments + END


def with_one_scan(width: int, height: int, **options) -> bytes:
    """A JPEG that says no more after its first scan."""
    data = encode(Image.new("RGB", (width, height), (9, 200, 30)), "JPEG", subsampling=0, **options)
    first = data.index(SCAN)
    ends = [data.find(mark, first + 4) for mark in (TABLES, SCAN, END)]
    return data[: min(end for end in ends if end > 0)] + END


def jpeg_beginning_with(extra: bytes) -> bytes:
    """A JPEG with something behind its first segment."""
    data = photo_bytes()
    return data[:20] + extra + data[20:]


def jpeg_of_headers(times: int) -> bytes:
    """Each says of thousands of colours how they are sampled."""
    content = struct.pack(">BHHB", 8, 64, 64, 3) + b"\1\x11\0" * 19_998
    return jpeg_beginning_with((b"\xff\xc0" + struct.pack(">H", len(content) + 2) + content) * times)


def png_of_parts(times: int, kind: bytes = b"tEXt", content: bytes = b"a\0") -> bytes:
    data = encode(draw(0), "PNG")
    return data[:33] + png_chunk(kind, content) * times + data[33:]


def webp_of_parts(times: int) -> bytes:
    data = encode(draw(0), "WEBP", lossless=True)
    data += b"junk\0\0\0\0" * times
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
