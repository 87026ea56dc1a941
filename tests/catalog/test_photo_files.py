"""Photo files: what is taken, what is refused and in which words, and the upright RGB that comes out."""

import hashlib
import io
import subprocess
import sys

import pytest
from PIL import Image, ImageChops, ImageStat

from catalog import photo_files
from catalog.photo_files import PhotoLimits, PhotoRefused, check_photo, check_size, open_upright
from tests.factories import draw, encode, photo_bytes
from tests.support import odd_files
from tests.support.odd_files import BAD_EXIF, REFUSED, TURNED_RIGHT, with_exif

LIMITS = PhotoLimits()
WIDE = draw(1, size=(96, 64))
FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "HEIF": "heic"}
each_format = pytest.mark.parametrize("format", FORMATS)


def brightness(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).mean[0]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures' pixels, in levels of 0 to 255."""
    assert one.size == other.size
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


@each_format
def test_photo_is_taken_with_its_hash_size_and_extension(format):
    data = encode(WIDE, format)
    facts = check_photo(data, LIMITS)
    assert (facts.width, facts.height, facts.extension) == (96, 64, FORMATS[format])
    assert facts.sha256 == hashlib.sha256(data).hexdigest()


@each_format
def test_photo_opens_in_rgb_and_looks_like_what_was_saved(format):
    opened = open_upright(encode(WIDE, format))
    assert opened.mode == "RGB"
    assert difference(opened, WIDE) < 6


def test_mpo_of_a_phone_is_taken_as_the_jpeg_it_begins_with():
    buffer = io.BytesIO()
    WIDE.save(buffer, "MPO", save_all=True, append_images=[WIDE.rotate(180)])
    assert Image.open(buffer).format == "MPO"
    assert check_photo(buffer.getvalue(), LIMITS).extension == "jpg"
    assert difference(open_upright(buffer.getvalue()), WIDE) < 6


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_file_is_refused_with_a_sentence_that_says_what_to_do(kind):
    data, word = REFUSED[kind]
    with pytest.raises(PhotoRefused) as refused:
        check_photo(data, LIMITS)
    sentence = str(refused.value)
    assert word in sentence
    assert sentence.endswith(".")
    assert sentence.count(".") >= 2, "what is wrong, and what to do"


def test_truncated_jpeg_is_refused_wherever_it_was_cut():
    data = encode(draw(2, size=(200, 200)))
    for percent in range(1, 100, 7):
        with pytest.raises(PhotoRefused):
            check_photo(data[: len(data) * percent // 100], LIMITS)


def test_comment_that_inflates_to_80_megabytes_is_refused():
    with pytest.raises(PhotoRefused):
        check_photo(odd_files.png_with_text_bomb(), LIMITS)


def test_limits_of_size_are_the_last_that_pass():
    data = photo_bytes()
    check_photo(data, PhotoLimits(max_bytes=len(data), max_pixels=96 * 96))
    with pytest.raises(PhotoRefused, match="MB"):
        check_photo(data, PhotoLimits(max_bytes=len(data) - 1))
    with pytest.raises(PhotoRefused, match="megapixels"):
        check_photo(data, PhotoLimits(max_pixels=96 * 96 - 1))


def test_file_over_20_megabytes_is_refused_with_its_size():
    with pytest.raises(PhotoRefused, match=r"21\.0 MB; at most 20 MB"):
        check_photo(photo_bytes() + bytes(21 * 1024 * 1024 - len(photo_bytes())), LIMITS)
    with pytest.raises(PhotoRefused, match=r"9000\.0 MB"):
        check_size(9000 * 1024 * 1024, LIMITS)


def test_smallest_photo_has_32_pixels_on_each_side():
    assert check_photo(encode(draw(0, size=(32, 32)), "PNG"), LIMITS).width == 32
    with pytest.raises(PhotoRefused, match="32 x 31"):
        check_photo(encode(draw(0, size=(32, 31)), "PNG"), LIMITS)


ORIENTATIONS = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_photo_held_in_any_way_is_uprighted(format, orientation):
    lying = ORIENTATIONS[orientation](WIDE)
    data = with_exif(format, TURNED_RIGHT.replace(b"\x06", bytes([orientation])), lying)
    assert difference(open_upright(data), WIDE) < 6
    facts = check_photo(data, LIMITS)
    assert (facts.width, facts.height) == (96, 64)


@pytest.mark.parametrize("format", ["AVIF", "HEIF"])
def test_turned_photo_of_a_newer_phone_is_uprighted_once(format):
    data = with_exif(format, TURNED_RIGHT, WIDE.transpose(Image.Transpose.ROTATE_90))
    assert difference(open_upright(data), WIDE) < 6


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("damage", BAD_EXIF)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_photo_with_bad_exif_is_taken_as_it_lies(format, damage):
    data = with_exif(format, BAD_EXIF[damage], WIDE)
    assert check_photo(data, LIMITS).width == 96
    assert difference(open_upright(data), WIDE) < 6


def test_cmyk_jpeg_keeps_its_colours():
    opened = open_upright(encode(WIDE.convert("CMYK"), "JPEG", quality=95))
    assert opened.mode == "RGB"
    assert difference(opened, WIDE) < 6


@pytest.mark.parametrize("level", [0, 300, 16_384, 32_768, 49_152, 65_535])
def test_16_bit_grey_is_scaled_and_not_clipped(level):
    assert abs(brightness(open_upright(odd_files.grey16(level))) - level / 257) <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_picture_of_every_kind_of_pixels_opens_in_rgb(mode):
    grey = WIDE.convert("L").convert("RGB")
    expected = {"1": WIDE.convert("1").convert("RGB"), "L": grey, "LA": grey}.get(mode, WIDE)
    opened = open_upright(encode(WIDE.convert(mode), "PNG"))
    assert opened.mode == "RGB"
    assert difference(opened, expected) < (25 if mode == "P" else 1)


def test_transparent_parts_of_a_palette_become_white():
    image = Image.new("P", (64, 64), 0)
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.paste(1, (0, 0, 64, 32))
    for transparency in (0, bytes([0, 255])):
        opened = open_upright(encode(image, "PNG", transparency=transparency))
        assert opened.getpixel((10, 50)) == (255, 255, 255)
        assert opened.getpixel((10, 10)) == (0, 0, 200)


def test_half_transparent_parts_are_laid_on_white():
    opened = open_upright(encode(Image.new("RGBA", (64, 64), (0, 0, 0, 128)), "PNG"))
    assert all(abs(level - 127) <= 1 for level in opened.getpixel((0, 0)))


@pytest.mark.parametrize("format", ["WEBP", "PNG", "AVIF"])
def test_animation_counts_as_its_first_frame(format):
    data = odd_files.animation(format, "red", "lime", "blue")
    assert check_photo(data, LIMITS).width == 64
    red, green, blue = open_upright(data).getpixel((30, 30))
    assert red > 240
    assert green < 15
    assert blue < 15


def test_heic_with_several_pictures_counts_as_its_primary_one():
    pictures = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    red, _, blue = open_upright(odd_files.heic_of(*pictures, primary=2)).getpixel((30, 30))
    assert blue > 240
    assert red < 15


def test_reduced_decoding_is_the_same_picture_smaller():
    large = draw(3, size=(1600, 1200))
    small = open_upright(encode(large), least_side=240)
    assert 240 <= min(small.size) < 1200
    assert difference(small, large.resize(small.size, Image.Resampling.BOX)) < 6


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_reduced_picture_of_every_kind_of_pixels_is_the_same_picture_smaller(mode, monkeypatch):
    monkeypatch.setattr(photo_files, "STRIP", 20_000)  # several strips
    large = draw(3, size=(821, 613))
    if mode == "RGBA":
        large.putalpha(Image.linear_gradient("L").resize(large.size))
    data = encode(large.convert(mode), "PNG")
    whole, small = open_upright(data), open_upright(data, least_side=200)
    assert small.mode == "RGB"
    assert small.size == (274, 205)
    expected = whole.reduce(3)
    assert difference(small, expected) <= 1
    edges = [small.crop((0, 200, 274, 205)), small.crop((270, 0, 274, 205))]
    assert difference(edges[0], expected.crop((0, 200, 274, 205))) <= 1
    assert difference(edges[1], expected.crop((270, 0, 274, 205))) <= 1


@pytest.mark.parametrize("level", [300, 32_768, 65_535])
def test_reduced_16_bit_grey_is_scaled_and_not_clipped(level):
    assert abs(brightness(open_upright(odd_files.grey16(level), least_side=4)) - level / 257) <= 1


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_reduced_photo_is_uprighted(orientation):
    large = draw(3, size=(900, 600))
    lying = ORIENTATIONS[orientation](large)
    data = with_exif("PNG", TURNED_RIGHT.replace(b"\x06", bytes([orientation])), lying)
    small = open_upright(data, least_side=200)
    assert difference(small, large.reduce(3)) < 2


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "I;16"])
def test_picture_is_converted_without_copies_of_all_its_pixels(mode):
    """In a process of its own, whose peak is known: what is left is what the decoder takes."""
    code = (
        "import re, sys; from pathlib import Path; from catalog.photo_files import open_upright\n"
        "def peak(): return int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "before, data = peak(), sys.stdin.buffer.read()\n"
        "open_upright(data, 500); print((peak() - before) // 1024)"
    )
    data = encode(Image.new(mode, (5000, 4000)), "PNG")
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    megabytes_of_pixels = {"RGBA": 80, "LA": 80, "P": 20, "I;16": 40}[mode]
    assert int(done.stdout) < megabytes_of_pixels + 40


def test_refused_file_stays_refused_when_it_is_opened_for_its_pixels():
    for data, _ in (REFUSED["text"], REFUSED["JPEG without its end"], REFUSED["half a PNG"]):
        with pytest.raises(PhotoRefused):
            open_upright(data)
