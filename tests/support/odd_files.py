"""Photos as people really send them: broken, odd and hostile files, made on the spot."""

import io
import os
import struct
import zlib
from pathlib import Path

import pillow_heif
from PIL import Image

from tests.factories import draw, encode, photo_bytes

TURNED_RIGHT = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
BAD_EXIF = {
    "no TIFF": b"Exif\0\0garbage",
    "pointer past the end": b"Exif\0\0MM\0*\xff\xff\xff\xff",
    "nothing": b"Exif\0\0",
    "cut off": b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01",
    "orientation is text": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x04\0\0\0abc\0\0\0\0\0",
    "orientation 0": TURNED_RIGHT.replace(b"\x06", b"\x00"),
    "orientation 9": TURNED_RIGHT.replace(b"\x06", b"\x09"),
    "loop": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0",
}


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def with_exif(format: str, exif: bytes, image: Image.Image | None = None) -> bytes:
    return encode(image or draw(0), format, exif=exif)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_claiming(width: int, height: int, *extra: bytes) -> bytes:
    """A PNG of a few bytes whose header claims a size."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + pixels + png_chunk(b"IEND", b"")


def png_with_text_bomb() -> bytes:
    """A PNG of 80 KB with a comment that inflates to 80 MB."""
    return png_claiming(64, 64, png_chunk(b"zTXt", b"c\0\0" + zlib.compress(b"a" * 80_000_000, 1)))


def jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(photo_bytes())
    place = data.find(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def heic_claiming(width: int, height: int) -> bytes:
    data = bytearray(encode(draw(0), "HEIF"))
    place = data.find(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", width, height)
    return bytes(data)


def heic_of(*pictures: Image.Image, primary: int = 0) -> bytes:
    """A HEIC with several pictures, as a phone's burst is; programs show the primary one."""
    file = pillow_heif.from_pillow(pictures[0])
    for picture in pictures[1:]:
        file.add_from_pillow(picture)
    buffer = io.BytesIO()
    file.save(buffer, primary_index=primary)
    return buffer.getvalue()


def animation(format: str, *colours: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in colours]
    return encode(frames[0], format, save_all=True, append_images=frames[1:])


def grey16(level: int) -> bytes:
    """A 16-bit grey PNG, all of one level from 0 to 65,535."""
    image = Image.new("I;16", (64, 64))
    image.putdata([level] * (64 * 64))
    return encode(image, "PNG")


def folder_with(root: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder, making the folders between."""
    for name, content in files.items():
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


# What an upload must refuse, and a word of the sentence that says why.
REFUSED = {
    "empty": (b"", "empty"),
    "text": (b"This is no picture.\n" * 50, "another kind"),
    "random": (bytes(range(7, 256)) * 40, "another kind"),
    "html": (b"<!doctype html><img src=x onerror=alert(1)>" * 9, "another kind"),
    "only a JPEG's first bytes": (b"\xff\xd8\xff\xe0", "damaged"),
    "JPEG without its end": (photo_bytes()[:-60], "cut off"),
    "half a PNG": (half(encode(draw(1), "PNG")), "cut off"),
    "half a WebP": (half(encode(draw(1), "WEBP")), "damaged"),
    "half an AVIF": (half(encode(draw(1), "AVIF")), "damaged"),
    "HEIC without its end": (encode(draw(1), "HEIF")[:-9], "cut off"),
    "PNG of 3,600 megapixels": (png_claiming(60_000, 60_000), "3600 megapixels"),
    "PNG as large as a PNG can claim": (png_claiming(2**31 - 1, 2**31 - 1), "megapixels"),
    "JPEG of 4,225 megapixels": (jpeg_claiming(65_000, 65_000), "4225 megapixels"),
    "HEIC of 3,600 megapixels": (heic_claiming(60_000, 60_000), "3600 megapixels"),
    "PNG of no size": (png_claiming(0, 0), "damaged"),
    "PNG with less than it claims": (png_claiming(5_000, 5_000), "cut off"),
    "too small": (encode(draw(0, size=(31, 200)), "PNG"), "31 x 200 pixels"),
    "animated GIF": (animation("GIF", "red", "lime"), "another kind"),
    "BMP": (encode(draw(0), "BMP"), "another kind"),
    "TIFF": (encode(draw(0), "TIFF"), "another kind"),
    "JPEG 2000": (encode(draw(0), "JPEG2000"), "another kind"),
}
