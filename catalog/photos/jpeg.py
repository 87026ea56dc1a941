"""Judges what it takes to read a JPEG, by its markers: some buy much work or memory with few bytes.

The markers are followed as Pillow does up to the first scan, and from there as libjpeg does. Where libjpeg
would give up, they are followed further: more may be counted than is decoded, never less. Pure Python, no
Django.
"""

import re
from dataclasses import dataclass

from PIL import Image, JpegImagePlugin

from catalog.photos.parts import MAX_PARTS

MAX_SCANS = 500  # a camera's progressive JPEG has about ten
MAX_SCANNED_PIXELS = 1_500_000_000  # pixels, counted once for each scan: 5 s of a processor at most
MAX_COEFFICIENT_BYTES = 200_000_000  # that libjpeg keeps of a picture with several scans, two for each
MAX_JUNK = 128 * 1024  # bytes between the segments before the first scan, which Pillow skips one by one
# Of a row of 0xFF the last one counts. Restarts and 0xFF00 stand in a scan's data.
_MARKER = re.compile(rb"\xff([^\x00\xff\x01\xd0-\xd7])")
_SCAN, _END = 0xDA, 0xD9
_FRAMES = {*range(0xC0, 0xD0), 0xDE} - {0xC4, 0xC8, 0xCC}
_BASELINE = {0xC0, 0xC1}
# Nothing of a length follows on these. In a scan's data libjpeg skips reserved ones, and only them.
_ALONE = {*range(0xC0), 0xC8, 0xD8, 0xD9, *range(0xF0, 0xFE)}


@dataclass
class Survey:
    """What a JPEG's first picture is made of."""

    scans: int = 0
    parts: int = 0  # segments, scans and stray markers
    frames: int = 0  # before the first scan
    junk: int = 0  # bytes
    is_kept_whole: bool = False  # libjpeg keeps all coefficients until the last scan

    @property
    def is_too_much(self) -> bool:
        return self.scans > MAX_SCANS or self.parts > MAX_PARTS or self.junk > MAX_JUNK or self.frames > 1


def survey(data: bytes) -> Survey:
    """Follow a file's markers up to the end of its first picture, or to where it is too much."""
    found, at, components = Survey(), 2, 0
    while not found.is_too_much:
        marker = _MARKER.search(data, at)
        if not found.scans:
            found.junk += (marker.start() if marker else len(data)) - at
        if not marker:
            break
        code, at = marker[1][0], marker.end()
        found.parts += 1
        if code == _END and found.scans:
            break
        if code in _ALONE:
            continue
        if code == _SCAN:
            found.scans += 1
            found.is_kept_whole |= data[at + 2 : at + 3] != bytes([components])
        elif code in _FRAMES and not found.scans:
            found.frames += 1
            found.is_kept_whole |= code not in _BASELINE
            components = (data[at + 7 : at + 8] or b"\0")[0]
        at += max(int.from_bytes(data[at : at + 2], "big"), 2)
    return found


def find_strange(found: Survey) -> str:
    """What makes opening a JPEG take more than it may, as a part of a sentence; or empty."""
    if found.frames > 1:
        return "it has several headers"
    if found.scans <= MAX_SCANS and found.is_too_much:
        return f"it is made of more than {MAX_PARTS} parts, or has much between them"
    return ""


def find_excess(image: Image.Image, found: Survey) -> str:
    """What makes decoding an opened JPEG take more than it may, as a part of a sentence; or empty."""
    scans = found.scans
    if scans > MAX_SCANS or scans * image.width * image.height > MAX_SCANNED_PIXELS:
        return f"it is made of {min(scans, MAX_SCANS)} layers or more, which takes too long to decode"
    if found.is_kept_whole and _coefficient_bytes(image) > MAX_COEFFICIENT_BYTES:
        return "it is a progressive JPEG of so many pixels that decoding takes too much memory"
    return ""


def _coefficient_bytes(image: Image.Image) -> int:
    """Bytes of all coefficients of a picture, by how finely each of its components is sampled."""
    layers = image.layer if isinstance(image, JpegImagePlugin.JpegImageFile) else []
    fractions = [across * down for _, across, down, _ in layers] or [1]
    return int(2 * image.width * image.height * sum(fractions) / max(fractions))
