"""Brings the colours of a decoded photo to sRGB, in which the recogniser and browsers take all numbers.

A photo says what its numbers mean by an ICC profile, or, if it is HDR, by code points (ITU-T H.273) of the
primaries and of the transfer curve: in a `colr` box of the kind `nclx` in HEIC and AVIF, in a `cICP` chunk in
PNG. Pillow and NumPy only, no Django.
"""

import io
import logging
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

logger = logging.getLogger(__name__)
PQ, HLG = 16, 18  # transfer curves of HDR, ITU-R BT.2100
REFERENCE_WHITE = 203.0  # nits: a white page in an HDR picture, ITU-R BT.2408
HLG_PEAK = 1000.0  # nits of the screen that HLG is meant for, with the gamma of 1.2 that BT.2100 gives it
KNEE = 0.8  # of the reference white: what is brighter is pressed together above it
STRIP = 1_000_000  # pixels that are converted at a time
TO_SRGB = {  # linear RGB of other primaries, by their code point, to that of sRGB; ITU-R BT.2087 and its like
    9: np.array([[1.6605, -0.5877, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]),
    12: np.array([[1.2249, -0.2249, 0.0], [-0.0420, 1.0420, 0.0], [-0.0197, -0.0786, 1.0983]]),  # Display P3
}
BT2020_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
MAX_BOXES = 200  # that are looked at in one part of a file


class Coding(NamedTuple):
    """What a photo's numbers mean, as code points of ITU-T H.273."""

    primaries: int
    transfer: int

    @property
    def is_srgb(self) -> bool:
        """Whether there is nothing to convert. All curves of SDR are taken for that of sRGB."""
        return self.transfer not in (PQ, HLG) and self.primaries not in TO_SRGB


def to_srgb(picture: Image.Image, source: Image.Image, data: bytes) -> Image.Image:
    """Convert the colours of a picture; one that says nothing, or nothing sensible, stays as it is.

    Args:
        picture: RGB; the pixels of `source`, perhaps smaller.
        source: the opened file, with what Pillow read of it.
        data: the file.
    """
    if profile := source.info.get("icc_profile"):
        return _apply_profile(picture, profile)
    coding = find_coding(source, data)
    return picture if coding is None or coding.is_srgb else _apply_coding(picture, coding)


def _apply_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if given.profile.xcolor_space.strip() != "RGB" or "sRGB" in ImageCms.getProfileDescription(given):
            return picture  # CMYK and grey are RGB by now
        srgb = ImageCms.createProfile("sRGB")
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        converted = ImageCms.profileToProfile(picture, given, srgb, renderingIntent=intent, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        logger.info("A photo's colour profile was ignored: %s", error)
        return picture
    return converted or picture


def _apply_coding(picture: Image.Image, coding: Coding) -> Image.Image:
    pixels = np.array(picture)  # (H, W, 3) uint8
    linear = _linear_light(coding.transfer)
    rows = max(STRIP // picture.width, 1)
    for top in range(0, picture.height, rows):
        strip = linear[pixels[top : top + rows]]
        if coding.transfer == HLG:  # the screen's gamma, which goes by the luminance of the scene
            strip *= np.maximum(strip @ BT2020_LUMINANCE, 1e-6)[..., None] ** 0.2 * HLG_PEAK / REFERENCE_WHITE
        if coding.primaries in TO_SRGB:
            strip = strip @ TO_SRGB[coding.primaries].T.astype(np.float32)
        if coding.transfer in (PQ, HLG):
            strip = _press_highlights(strip)
        pixels[top : top + rows] = _encode(strip)
    return Image.fromarray(pixels)


def _linear_light(transfer: int) -> np.ndarray:
    """(256,) float32: linear light by level; 1 is white, in HDR that of a page. For HLG it is the scene's."""
    level = np.arange(256) / 255
    if transfer == PQ:  # SMPTE ST 2084
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = level ** (1 / m2)
        nits = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
        return (nits / REFERENCE_WHITE).astype(np.float32)
    if transfer == HLG:  # ARIB STD-B67
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(level <= 0.5, level**2 / 3, (np.exp((level - c) / a) + b) / 12).astype(np.float32)
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _press_highlights(linear: np.ndarray) -> np.ndarray:
    """Press what is brighter than the knee into what is left below white, keeping the hue of each pixel.

    Args:
        linear: (H, W, 3) float32.
    """
    brightest = linear.max(axis=2, keepdims=True)
    room = 1 - KNEE
    pressed = KNEE + room * (1 - np.exp(-(brightest - KNEE) / room))
    return linear * np.where(brightest > KNEE, pressed / np.maximum(brightest, KNEE), 1)


def _encode(linear: np.ndarray) -> np.ndarray:
    """Linear light to levels of sRGB, uint8."""
    linear = linear.clip(0, 1)
    levels = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (255 * levels + 0.5).astype(np.uint8)


def find_coding(source: Image.Image, data: bytes) -> Coding | None:
    """The code points that a file gives for its colours, or None."""
    if nclx := source.info.get("nclx_profile"):  # HEIC
        return Coding(int(nclx["color_primaries"]), int(nclx["transfer_characteristics"]))
    find = {"AVIF": _coding_of_avif, "PNG": _coding_of_png}.get(source.format or "")  # Pillow does not tell
    return find(data) if find else None


def _coding_of_png(data: bytes) -> Coding | None:
    """The `cICP` chunk of a PNG, which comes before the pixels."""
    start = 8
    for _ in range(MAX_BOXES):
        if start + 12 > len(data):
            break
        size, kind = struct.unpack_from(">I4s", data, start)
        if kind == b"cICP" and size == 4:
            return Coding(data[start + 8], data[start + 9])
        if kind == b"IDAT":
            break
        start += size + 12
    return None


def _coding_of_avif(data: bytes) -> Coding | None:
    """The first `colr` box of the kind `nclx` among the properties of an AVIF's pictures."""
    found = _inside(data, 0, len(data), b"meta")
    # `meta` begins with a version and flags.
    found = found and _inside(data, found[0] + 4, found[1], b"iprp")
    found = found and _inside(data, *found, b"ipco")
    for kind, start, end in _boxes(data, *found) if found else ():
        if kind == b"colr" and data[start : start + 4] == b"nclx" and end - start >= 8:
            return Coding(*struct.unpack_from(">HH", data, start + 4))
    return None


def _inside(data: bytes, start: int, end: int, wanted: bytes) -> tuple[int, int] | None:
    """Where the content of the first box of a kind begins and ends."""
    return next(((begin, stop) for kind, begin, stop in _boxes(data, start, end) if kind == wanted), None)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of a part of an ISO base media file: kind, and where the content begins and ends.

    Ends at the first that is damaged, and after MAX_BOXES.
    """
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1 and start + 16 <= end:  # the size is a longer number
            (size,), header = struct.unpack_from(">Q", data, start + 8), 16
        stop = start + size if size else end  # 0: to the end
        if not start + header <= stop <= end:
            return
        yield kind, start + header, stop
        start = stop
