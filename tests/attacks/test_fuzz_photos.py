"""Photos that were good until some of their bytes were changed."""

import io
import random

import pytest
from PIL import Image

from catalog.photo_files import ACCEPTED, PhotoLimits, PhotoRefused, check_photo, open_upright
from tests.factories import draw, encode
from tests.support.running.victim import ROUNDS, SEED

FORMATS = {
    "JPEG": {},
    "progressive": {"progressive": True},
    "PNG": {},
    "palette": {},
    "WEBP": {},
    "lossless": {"lossless": True},
    "AVIF": {"speed": 10},
    "HEIF": {},
}
NAMES = {"progressive": "JPEG", "palette": "PNG", "lossless": "WEBP"}


def good(format: str) -> bytes:
    image = draw(0, size=(80, 60))
    image = image.convert("P") if format == "palette" else image
    return encode(image, NAMES.get(format, format), **FORMATS[format])


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Change, remove, repeat or add some bytes."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(changed))
        kind = chance.randrange(5)
        if kind == 0:
            changed[at] = chance.randrange(256)
        elif kind == 1:
            changed[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
        elif kind == 2:
            del changed[at : at + chance.randrange(1, 50)]
        elif kind == 3:
            changed[at:at] = changed[at : at + chance.randrange(1, 200)]
        else:
            changed[at:at] = chance.randbytes(chance.randrange(1, 20))
        if not changed:
            return b"x"
    return bytes(changed)


@pytest.mark.parametrize("format", FORMATS)
def test_changed_photo_is_taken_or_refused_with_a_sentence(format):
    chance, data = random.Random(f"{SEED} {format}"), good(format)
    assert check_photo(data, PhotoLimits()).extension in ACCEPTED.values()
    taken = refused = 0
    for _ in range(120 * ROUNDS):
        changed = mutate(data, chance)
        try:
            facts = check_photo(changed, PhotoLimits(max_pixels=10_000_000))
            assert open_upright(changed, 64, 10_000_000).mode == "RGB"
            taken += 1
            assert facts.width > 0
        except PhotoRefused:
            refused += 1
    assert refused, "nothing was changed"
    assert check_photo(data, PhotoLimits()).width == 80, "the next good one is taken"


def test_formats_that_are_not_taken_are_refused():
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "TIFF")
    for data in (
        buffer.getvalue(),
        b"GIF89a" + b"\0" * 100,
        b"%PDF-1.4",
        b"BM" + b"\0" * 100,
        b"\0\0\0\x18ftypqt  ",
    ):
        with pytest.raises(PhotoRefused):
            check_photo(data + b"\0" * 100, PhotoLimits())
