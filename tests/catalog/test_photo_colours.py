"""Whatever a file says of its colours, the picture that comes out is in sRGB."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from catalog import photo_colours
from catalog.photo_colours import HLG, PQ, Coding, find_coding
from catalog.photo_files import open_upright
from tests.factories import encode

BT709, BT2020, P3, SRGB = 1, 9, 12, 13
# XYZ of the primaries of sRGB, as profiles write them.
RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)


def profile(red=RED, green=GREEN, blue=BLUE) -> bytes:
    """An ICC profile of three primaries with a gamma of 2.2."""

    def fixed(*values):
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    text = b"test\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(79),
        b"cprt": b"text" + bytes(4) + text,
        b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249),
        b"rXYZ": b"XYZ " + bytes(4) + fixed(*red),
        b"gXYZ": b"XYZ " + bytes(4) + fixed(*green),
        b"bXYZ": b"XYZ " + bytes(4) + fixed(*blue),
    }
    tags |= {name: b"curv" + bytes(4) + struct.pack(">IH", 1, 563) for name in (b"rTRC", b"gTRC", b"bTRC")}
    table, content = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    header = struct.pack(
        ">I4sI4s4s4s", 128 + len(table + content), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ "
    )
    header += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return header.ljust(128, b"\0") + table + content


def plain(*colour: int, size=(64, 48)) -> Image.Image:
    return Image.new("RGB", size, colour)


def middle(data: bytes, least_side: int | None = None) -> tuple[int, int, int]:
    opened = open_upright(data, least_side)
    return opened.getpixel((opened.width // 2, opened.height // 2))


def near(*levels: int):
    return pytest.approx(levels, abs=3)


def pq(nits: float) -> int:
    """The level of 0 to 255 that says so many nits."""
    y = (nits / 10_000) ** (2610 / 16384)
    return round(255 * ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32))


def heic(image: Image.Image, primaries: int, transfer: int) -> bytes:
    codes = {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": 0}
    return encode(image, "HEIF", quality=-1, chroma=444, full_range_flag=1, **codes)


def avif(image: Image.Image, primaries: int, transfer: int) -> bytes:
    data = encode(image, "AVIF", quality=100, subsampling="4:4:4")
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def png(image: Image.Image, primaries: int, transfer: int) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add(b"cICP", bytes([primaries, transfer, 0, 1]))
    return encode(image, "PNG", pnginfo=info)


each_writer = pytest.mark.parametrize("write", [heic, avif, png])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_colours_of_a_profile_become_those_of_srgb(format):
    swapped = encode(plain(200, 40, 40), format, icc_profile=profile(red=GREEN, green=RED))
    assert middle(swapped) == pytest.approx((40, 200, 40), abs=8)
    assert middle(encode(plain(200, 40, 40), format, icc_profile=profile())) == pytest.approx(
        (200, 40, 40), abs=8
    )


def test_colours_are_converted_of_a_photo_that_is_reduced():
    large = encode(plain(200, 40, 40, size=(900, 600)), "PNG", icc_profile=profile(red=GREEN, green=RED))
    assert middle(large, least_side=100) == pytest.approx((40, 200, 40), abs=8)


@pytest.mark.parametrize("broken", [b"x", profile()[:200], b"\xff" * 1000, profile()[:128] + bytes(500)])
def test_broken_profile_is_ignored(broken):
    assert middle(encode(plain(200, 40, 40), "PNG", icc_profile=broken)) == (200, 40, 40)


def test_profile_of_srgb_costs_nothing(monkeypatch):
    monkeypatch.setattr(ImageCms, "profileToProfile", None)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert middle(encode(plain(200, 40, 40), "PNG", icc_profile=srgb)) == (200, 40, 40)


@each_writer
def test_white_page_of_an_hdr_photo_is_nearly_white_and_its_shadows_are_kept(write):
    white, grey = pq(203), pq(203 * 0.2140)  # the latter is the middle level of sRGB, 128
    assert middle(write(plain(white, white, white), BT2020, PQ)) == near(246, 246, 246)
    assert middle(write(plain(grey, grey, grey), BT2020, PQ)) == near(128, 128, 128)


@each_writer
def test_white_page_of_an_hlg_photo_is_nearly_white(write):
    assert middle(write(plain(191, 191, 191), BT2020, HLG)) == near(246, 246, 246)  # 75 % of the signal


@each_writer
def test_photo_that_says_srgb_stays_as_it_is(write):
    assert middle(write(plain(200, 40, 120), BT709, SRGB)) == near(200, 40, 120)


@each_writer
def test_wide_primaries_become_more_vivid_numbers(write):
    red, green, blue = middle(write(plain(200, 80, 80), P3, SRGB))
    assert red > 205
    assert green < 78
    assert blue < 78
    assert middle(write(plain(128, 128, 128), P3, SRGB)) == near(128, 128, 128)


def test_lamps_are_brighter_than_paper_and_keep_their_hue():
    levels = [middle(png(plain(pq(nits), pq(nits), pq(nits)), BT709, PQ))[0] for nits in (50, 203, 250, 4000)]
    assert levels == sorted(set(levels))
    assert levels[-1] == 255
    red, green, _ = middle(png(plain(pq(4000), pq(400), pq(400)), BT709, PQ))
    assert red == 255
    assert green < 100


def test_strips_are_the_same_picture(monkeypatch):
    rng = np.random.default_rng(0)
    data = png(Image.fromarray(rng.integers(0, 256, (50, 30, 3), np.uint8)), BT2020, PQ)
    whole = open_upright(data)
    monkeypatch.setattr(photo_colours, "STRIP", 200)
    assert open_upright(data).tobytes() == whole.tobytes()


def test_damaged_boxes_of_an_avif_say_nothing():
    data = avif(plain(1, 2, 3), BT2020, PQ)
    source = Image.open(io.BytesIO(data))
    assert find_coding(source, data) == Coding(BT2020, PQ)
    end = data.index(b"colrnclx") + 12
    for cut in range(end):
        assert find_coding(source, data[:cut]) is None
    for at in range(0, end - 8, 4):
        for size in (b"\0\0\0\0", b"\0\0\0\1", b"\xff\xff\xff\xff", b"\0\0\0\x08"):
            find_coding(source, data[:at] + size + data[at + 4 :])  # ends, and raises nothing
    assert find_coding(source, (b"\0\0\0\x08free" * 100_000) + data) is None
