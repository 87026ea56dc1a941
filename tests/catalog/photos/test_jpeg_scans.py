"""A JPEG whose few bytes buy much work is refused before it is decoded."""

import pytest
from PIL import Image

from catalog.photo_files import PhotoLimits, PhotoRefused, check_photo, open_upright
from catalog.photos import jpeg
from catalog.photos.jpeg import MAX_SCANS, survey
from tests.factories import draw, encode, photo_bytes
from tests.support.costly_photos import with_hidden_scans


def with_scans(times: int, size=(64, 64)) -> bytes:
    """A progressive JPEG whose last scan comes so many times."""
    data = encode(draw(0, size=size), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * times + b"\xff\xd9"


def count_scans(data: bytes) -> int:
    return survey(data).scans


def test_scans_are_counted_as_a_decoder_comes_upon_them():
    assert count_scans(photo_bytes()) == 1
    usual = count_scans(with_scans(1))
    assert 5 < usual < 20
    assert count_scans(with_scans(11)) == usual + 10
    assert count_scans(with_scans(5000)) == MAX_SCANS + 1
    thumbnail = b"\xff\xe1\x00\x10" + b"\xff\xda" * 7  # inside a segment they are no scans
    data = photo_bytes()
    assert count_scans(data[:2] + thumbnail + data[2:]) == 1
    assert count_scans(data + with_scans(5000)) == 1, "pictures behind the first are not decoded"
    for hide in (b"\xff\x02", b"\xff\xbf", b"\xff\x01", b"\xff\xff\x02", b"\xff\xf0"):
        assert count_scans(with_hidden_scans(1000, marker=hide)) > MAX_SCANS, hide
    for odd in (b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xda", data[:30], b"\xff" * 1000):
        assert count_scans(odd) <= 1


@pytest.mark.parametrize(
    "make",
    [lambda: with_scans(MAX_SCANS + 1), lambda: with_scans(50_000), lambda: with_hidden_scans(3000)],
    ids=["501", "50,000", "hidden"],
)
def test_more_than_500_scans_are_refused_and_never_decoded(make, monkeypatch):
    data = make()

    def decode(image):
        raise AssertionError("it was decoded")

    monkeypatch.setattr(Image.Image, "load", decode)
    for take in (lambda: check_photo(data, PhotoLimits()), lambda: open_upright(data, 64, 10**8)):
        with pytest.raises(PhotoRefused, match=r"layers.*Save it anew as JPEG"):
            take()


def test_fewer_scans_are_refused_of_a_picture_with_many_pixels(monkeypatch):
    data = with_scans(100)
    assert check_photo(data, PhotoLimits()).width == 64
    monkeypatch.setattr(jpeg, "MAX_SCANNED_PIXELS", 64 * 64 * 50)
    with pytest.raises(PhotoRefused, match="layers"):
        check_photo(data, PhotoLimits())
