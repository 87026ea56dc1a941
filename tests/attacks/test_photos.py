"""Photos that cost the server much: large ones, many at once, and some that only look small."""

import threading
import time

import pytest
from PIL import Image

from catalog.photos.turns import AT_ONCE
from tests.catalog.photos.test_memory import blank, png
from tests.factories import bearer, encode, photo_bytes
from tests.support.costly_photos import jpeg_beginning_with, with_hidden_scans, with_one_scan
from tests.support.running.victim import Victim, refused_code, usual_seconds
from tests.support.training import trained

pytestmark = [pytest.mark.training, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def knowing(victim) -> Victim:
    """A server whose shop has a model, loaded."""
    trained(victim.shop, products=2, photos=2)
    assert victim.recognize(photo_bytes()).status_code == 200
    return victim


def test_one_recognition_takes_250_megabytes_at_most(knowing):
    for make in (
        lambda: blank("JPEG", 9248, 6944),
        lambda: png(8192, 6144, 6, 4, 8),
        lambda: png(8192, 6144, 2, 3, 16),
        lambda: blank("WEBP", 8192, 6144, "RGBA", lossless=True, method=0),
        lambda: blank("WEBP", 4160, 3120, "RGBA", lossless=True, method=0),
    ):
        data = make()
        knowing.forget_peak()
        before = knowing.memory()
        response = knowing.recognize(data)
        assert response.status_code == 200
        assert refused_code(response) in {"", "BAD_INPUT"}
        knowing.note(f"memory for one photo of {len(data)} bytes", knowing.peak() - before, "MB")
        assert knowing.peak() - before < 250
    knowing.answers()


def test_photos_that_hide_what_they_cost_are_refused_at_once(knowing):
    """Scans behind a marker, one scan of 64 finely sampled megapixels, and millions of empty parts."""
    for make in (
        lambda: with_hidden_scans(3000, (1000, 1000)),
        lambda: with_one_scan(8064, 8056, progressive=True),
        lambda: jpeg_beginning_with(b"\xff\xe5\0\2" * 4_000_000),
    ):
        data = make()
        knowing.forget_peak()
        before, started = knowing.memory(), time.monotonic()
        assert refused_code(knowing.recognize(data)) == "BAD_INPUT"
        knowing.note(f"refusal of a photo of {len(data)} bytes", time.monotonic() - started, "s")
        assert time.monotonic() - started < 3
        assert knowing.peak() - before < 150
    knowing.answers()


def test_many_at_once_take_no_more_than_so_many(knowing):
    """Who waits too long is told to come again; small requests are answered meanwhile."""
    data, outcomes = png(8192, 6144, 6, 4, 8), []
    alone = usual_seconds(lambda: knowing.ask("{ shops { totalCount } }"))
    knowing.forget_peak()
    before = knowing.memory()
    attackers = [
        threading.Thread(target=lambda: outcomes.append(knowing.recognize(data))) for _ in range(6 * AT_ONCE)
    ]
    for attacker in attackers:
        attacker.start()
    disturbed = usual_seconds(lambda: knowing.ask("{ shops { totalCount } }"))
    for attacker in attackers:
        attacker.join(120)
    seen = {(response.status_code, refused_code(response)) for response in outcomes}
    assert len(outcomes) == len(attackers)
    assert seen <= {(200, ""), (503, "TOO_MANY")}
    assert (200, "") in seen
    knowing.note(f"memory for {len(attackers)} at once", knowing.peak() - before, "MB")
    knowing.note("a small request beside them, times as long", disturbed / alone, "")
    assert knowing.peak() - before < 250 * AT_ONCE + 5 * len(attackers), "those that wait take little"
    assert disturbed < max(100 * alone, 3.0)
    knowing.answers()


def test_one_token_keeps_nobody_else_from_a_turn(knowing):
    """It asks at once for more than is read in the time that a request waits."""
    slow, small, seen = png(8192, 6144, 6, 4, 8), photo_bytes(), []
    greedy = bearer(knowing.shop, "recognize")
    attackers = [
        threading.Thread(target=lambda: seen.append(knowing.recognize(slow, token=greedy).status_code))
        for _ in range(12 * AT_ONCE)
    ]
    for attacker in attackers:
        attacker.start()
    time.sleep(0.5)
    honest = [knowing.recognize(small).status_code for _ in range(3)]
    for attacker in attackers:
        attacker.join(60)
    assert honest == [200] * 3
    assert set(seen) == {200, 503}
    knowing.answers()


def test_pictures_of_phones_are_taken(knowing):
    for format, size, options in (
        ("JPEG", (9248, 6944), {}),
        ("HEIF", (4032, 3024), {"quality": 30}),
        ("AVIF", (4000, 3000), {"speed": 10}),
    ):
        response = knowing.recognize(encode(Image.new("RGB", size, (200, 90, 20)), format, **options))
        assert response.json()["data"]["recognizeProduct"]["answer"], format
