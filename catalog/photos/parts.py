"""Counts what a PNG or WebP is made of, before a library keeps something of each part.

HEIC and AVIF are opened in a process that may take only so much. Pure Python, no Django.
"""

import struct

MAX_PARTS = 10_000  # a PNG of 20 MB in pieces of 4 KB has half of them
PNG, RIFF, WEBP = b"\x89PNG\r\n\x1a\n", b"RIFF", b"WEBP"


def find_many_parts(data: bytes) -> str:
    """What about a PNG or WebP takes more than it may, as a part of a sentence; empty if nothing does."""
    if data.startswith(PNG):
        parts = _count_png(data)
    elif data.startswith(RIFF) and data[8:12] == WEBP:
        parts = _count_riff(data)
    else:
        return ""
    return f"it is made of more than {MAX_PARTS} parts" if parts > MAX_PARTS else ""


def _count_png(data: bytes) -> int:
    at, parts = len(PNG), 0
    while parts <= MAX_PARTS and at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        parts += 1
        if kind == b"IEND":
            break
        at += length + 12
    return parts


def _count_riff(data: bytes) -> int:
    at, parts = 12, 0
    while parts <= MAX_PARTS and at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        parts += 1
        at += 8 + length + length % 2
    return parts
