"""Reads photo files as people send them: checks them for real, and opens them upright in sRGB.

Pure Pillow, no Django.
"""

import hashlib
import io
from dataclasses import dataclass

from PIL import ExifTags, Image

from catalog.formatting import megabytes
from catalog.photo_colours import to_srgb
from catalog.photos.apart import DecoderEnded, apart
from catalog.photos.jpeg import Survey, find_excess, find_strange, survey
from catalog.photos.parts import find_many_parts
from catalog.photos.turns import turn

# Our own limit is checked before any pixel is decoded; Pillow's would only warn.
Image.MAX_IMAGE_PIXELS = None

# What Pillow calls a format, and the extension it is stored with. MPO is a JPEG with more pictures behind it.
ACCEPTED = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "HEIF": "heic", "MPO": "jpg"}
# Decoded in this process; Pillow opens an MPO as a JPEG first. The others are decoded apart.
OPENERS = ("JPEG", "PNG", "WEBP")
# They keep one photo below 250 MB of memory, HEIC and AVIF below 400: decoding takes 4 bytes a pixel for PNG,
# 15 for WebP, 7 to 13 for the two others. Of a JPEG a smaller picture is decoded at once.
MAX_PIXELS = {"JPEG": 65e6, "MPO": 65e6, "PNG": 51e6, "WEBP": 14e6, "AVIF": 40e6, "HEIF": 51e6}
_NAMES = {"JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "WEBP": "WebP", "AVIF": "AVIF", "HEIF": "HEIC"}
MIN_SIDE = 32  # pixels: below this there is nothing to recognise
MAX_ASPECT = 12  # of all but small pictures; a panorama is 8 times as long as it is high
SMALL = 4_000_000  # pixels
STRIP = 1_000_000  # pixels that are converted at a time
TOO_MUCH = (
    "Decoding this photo takes more memory or time than one photo may have, or the file is damaged. "
    "Save it as JPEG and add it again."
)
TOO_COSTLY = "The photo cannot be taken: {}. Save it anew as JPEG and add it again."
JPEG = b"\xff\xd8\xff"  # what a JPEG begins with

UPRIGHT = 1
_TURNED = {  # EXIF orientation: what brings the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED_ON_ITS_SIDE = {5, 6, 7, 8}


class PhotoRefused(ValueError):
    """Raised when a file cannot be taken as a photo; its text tells a person what to do."""


@dataclass(frozen=True)
class PhotoLimits:
    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 65 * 1000 * 1000


@dataclass(frozen=True)
class PhotoFacts:
    """What is known of an accepted file. Width and height are those of the upright picture."""

    sha256: str
    width: int
    height: int
    extension: str


def check_photo(data: bytes, limits: PhotoLimits) -> PhotoFacts:
    """Decode a file completely and return what it is.

    Raises:
        PhotoRefused: not a photo we take, damaged, too large or too small.
        TooManyPhotos: others are being decoded.
    """
    if not data:
        raise PhotoRefused("The file is empty (0 bytes). Copy it from the phone or camera again.")
    check_size(len(data), limits)
    if _is_apart(data):
        return PhotoFacts(**_ask_apart("facts", data, None, limits.max_pixels)[0])
    with turn():
        return read_facts(data, limits.max_pixels, OPENERS)


def check_size(size: int, limits: PhotoLimits) -> None:
    """Raises PhotoRefused when a file has too many bytes; nothing of it needs to be read for that."""
    if size > limits.max_bytes:
        raise PhotoRefused(
            f"The file has {megabytes(size)}; at most {limits.max_bytes // 1024**2} MB are taken. "
            "Save the photo smaller and add it again."
        )


def open_upright(data: bytes, least_side: int | None = None, max_pixels: int | None = None) -> Image.Image:
    """Decode a photo to upright sRGB, 8 bits a channel.

    Args:
        least_side: pixels; a larger photo may then come out reduced by a whole number, as long as its shorter
            side stays at least this long. Of a JPEG it saves most of the time, of others most of the memory.
        max_pixels: more are refused before any is decoded; to be given for files that nobody has checked.
    Raises:
        PhotoRefused: the file cannot be decoded, or has too many pixels.
        TooManyPhotos: others are being decoded.
    """
    if _is_apart(data):
        answer, pixels = _ask_apart("pixels", data, least_side, max_pixels)
        return Image.frombytes("RGB", tuple(answer["size"]), pixels)
    with turn():
        return read_upright(data, least_side, max_pixels, OPENERS)


def read_facts(data: bytes, max_pixels: int, formats: tuple[str, ...]) -> PhotoFacts:
    """What `check_photo` does, in this process and at once."""
    image = _open_checked(data, max_pixels, formats)
    width, height = image.size[::-1] if _orientation(image) in _TURNED_ON_ITS_SIDE else image.size
    if min(image.size) < MIN_SIDE:
        raise PhotoRefused(
            f"The picture is only {image.width} x {image.height} pixels; "
            f"at least {MIN_SIDE} on each side are needed. Take a larger photo."
        )
    _decode(image, MIN_SIDE)
    return PhotoFacts(hashlib.sha256(data).hexdigest(), width, height, ACCEPTED[str(image.format)])


def read_upright(
    data: bytes, least_side: int | None, max_pixels: int | None, formats: tuple[str, ...]
) -> Image.Image:
    """What `open_upright` does, in this process and at once."""
    image = _open(data, formats) if max_pixels is None else _open_checked(data, max_pixels, formats)
    return to_srgb(_decode(image, least_side), image, data)


def _is_apart(data: bytes) -> bool:
    """Whether a file is of the family of HEIC and AVIF."""
    return data[4:8] == b"ftyp"


def _ask_apart(what: str, data: bytes, least_side: int | None, max_pixels: int | None) -> tuple[dict, bytes]:
    question = {"what": what, "least_side": least_side, "max_pixels": max_pixels}
    try:
        answer, pixels = apart.ask(question, data)
    except DecoderEnded as error:
        raise PhotoRefused(TOO_MUCH) from error
    del answer["bytes"]
    if refused := answer.get("refused"):
        raise PhotoRefused(refused)
    return answer, pixels


def _open_checked(data: bytes, max_pixels: int, formats: tuple[str, ...]) -> Image.Image:
    """Open a file that may take more memory or time than it should, and refuse it before it does."""
    found = survey(data) if data.startswith(JPEG) else None
    if excess := find_strange(found) if found else find_many_parts(data):
        raise PhotoRefused(TOO_COSTLY.format(excess))
    image = _open(data, formats)
    _check_decodable(image, found, max_pixels)
    return image


def _open(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except Exception as error:
        raise PhotoRefused(
            "This cannot be read as a photo: it is another kind of file, or it is damaged. "
            "JPEG, PNG, WebP, AVIF and HEIC are taken."
        ) from error


def _check_decodable(image: Image.Image, found: Survey | None, max_pixels: int) -> None:
    """Refuse what would take too much memory or time, before any of it is decoded."""
    most = MAX_PIXELS[str(image.format)]
    pixels = image.width * image.height
    if pixels > min(most, max_pixels):
        kind = "" if most >= max_pixels else f" of this kind of file ({_NAMES[str(image.format)]})"
        raise PhotoRefused(
            f"The picture has {pixels / 1e6:.0f} megapixels; at most {min(most, max_pixels) / 1e6:.0f} are "
            f"taken{kind}. Save the photo smaller{', or as JPEG,' if kind else ''} and add it again."
        )
    if max(image.size) > MAX_ASPECT * min(image.size) and pixels > SMALL:
        raise PhotoRefused(
            f"The picture is more than {MAX_ASPECT} times as long as it is wide ({image.width} x "
            f"{image.height} pixels). Cut out the product and add it again."
        )
    if found and (excess := find_excess(image, found)):
        raise PhotoRefused(TOO_COSTLY.format(excess))


def _decode(image: Image.Image, least_side: int | None) -> Image.Image:
    """Decode the picture that a file opens with: of an animation the first, of a HEIC the primary one."""
    try:
        if least_side and image.format in {"JPEG", "MPO"}:
            image.draft("RGB", (least_side, least_side))
        image.load()
        turned = _TURNED.get(_orientation(image))
        small = _reduce(image, min(image.size) // least_side if least_side else 1)
        return small if turned is None else small.transpose(turned)
    except MemoryError as error:
        raise PhotoRefused(TOO_MUCH) from error
    except Exception as error:  # Pillow's decoders raise many kinds, and damaged files reach them all
        raise PhotoRefused(
            "The file is damaged or cut off. Copy it from the phone or camera again, or take a new photo."
        ) from error


def _orientation(image: Image.Image) -> int:
    """How a picture is turned, by its EXIF; damaged EXIF does not make a good picture a bad one."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 (Pillow's EXIF reader raises as many kinds as its decoders)
        return UPRIGHT
    return orientation if orientation in _TURNED else UPRIGHT


def _reduce(image: Image.Image, factor: int) -> Image.Image:
    """Average squares of `factor` x `factor` pixels, in RGB; what is left at the edges counts too.

    Strip by strip: converted as a whole, 50 megapixels with alpha would take several times their memory.
    """
    factor = max(factor, 1)
    if image.mode == "RGB":
        return image if factor == 1 else image.reduce(factor)
    width, height = (-(-side // factor) for side in image.size)
    reduced = Image.new("RGB", (width, height))
    rows = factor * max(STRIP // (image.width * factor), 1)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        strip = _to_rgb(strip)
        reduced.paste(strip if factor == 1 else strip.reduce(factor), (0, top // factor))
    return reduced


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):  # 16 bits a channel: Pillow's own conversion would clip, not scale
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if image.mode in {"P", "PA", "LA", "RGBA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
