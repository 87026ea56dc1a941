"""Judges what it takes to decode a JPEG, by its markers: some buy much work with few bytes.

Pure Python, no Django.
"""

import re

from PIL import Image, JpegImagePlugin

MAX_SCANS = 500  # a camera's progressive JPEG has about ten
MAX_SCANNED_PIXELS = 1_500_000_000  # pixels, counted once for each scan: 5 s of a processor at most
MAX_COEFFICIENT_BYTES = 200_000_000  # that libjpeg keeps of a picture with several scans, two for each
_MARKER = re.compile(rb"\xff+([^\x00\xff\x01\xd0-\xd7])")
SCAN, END = 0xDA, 0xD9


def find_excess(image: Image.Image, data: bytes) -> str:
    """What about a JPEG takes more than it may, as a part of a sentence; empty if nothing does.

    Args:
        image: the opened file, nothing of it decoded.
    """
    scans = count_scans(data)
    if scans > MAX_SCANS or scans * image.width * image.height > MAX_SCANNED_PIXELS:
        return f"it is made of {min(scans, MAX_SCANS)} layers or more, which takes too long to decode"
    if scans > 1 and _coefficient_bytes(image) > MAX_COEFFICIENT_BYTES:
        return "it is a progressive JPEG of so many pixels that decoding takes too much memory"
    return ""


def count_scans(data: bytes) -> int:
    """How many scans the first picture of a file has; no more than MAX_SCANS + 1 are counted."""
    at, scans = 2, 0
    while scans <= MAX_SCANS and (found := _MARKER.search(data, at)):
        code, at = found[1][0], found.end()
        if code == END:
            break
        scans += code == SCAN
        at += int.from_bytes(data[at : at + 2], "big")
    return scans


def _coefficient_bytes(image: Image.Image) -> int:
    """Bytes of all coefficients of a picture, by how finely each of its components is sampled."""
    layers = image.layer if isinstance(image, JpegImagePlugin.JpegImageFile) else []
    fractions = [across * down for _, across, down, _ in layers] or [1]
    return int(2 * image.width * image.height * sum(fractions) / max(fractions))
