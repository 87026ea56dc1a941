"""Only so many photos are decoded at once; who waits too long is told to come again."""

import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from catalog.photo_files import open_upright
from catalog.photos import turns
from catalog.photos.turns import TooManyPhotos, caller, caller_gone, is_patient
from tests.factories import add_photo, bearer, photo_bytes
from tests.support.api import PATIENCE, recognize
from tests.support.training import trained


@pytest.fixture
def all_taken():
    """Every turn is taken, as while others decode."""
    for _ in range(turns.AT_ONCE):
        assert turns._turns.take_free()
    yield
    for _ in range(turns.AT_ONCE):
        turns._turns.give_back()


@pytest.fixture
def request_of():
    """A function that makes what follows part of a request."""
    token = caller_gone.set(gone := threading.Event())
    yield gone
    caller_gone.reset(token)


def test_request_is_told_to_come_again(all_taken, request_of, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.2)
    with pytest.raises(TooManyPhotos, match="Try again in a few seconds"):
        open_upright(photo_bytes())


def test_photos_that_a_person_sent_wait_longer_than_those_of_a_program(request_of, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0)
    monkeypatch.setattr(turns, "LOOK_SECONDS", 0.01)
    held = turns.Turns(1)
    held.take_free()
    threading.Timer(0.3, held.give_back).start()
    token = is_patient.set(True)
    try:
        with turns.turn(held):
            assert not held.take_free()
    finally:
        is_patient.reset(token)


def test_what_waits_is_dropped_when_its_client_has_gone(all_taken, request_of, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 10 * PATIENCE)
    request_of.set()
    with pytest.raises(TooManyPhotos):
        open_upright(photo_bytes())


def test_training_waits_until_it_is_its_turn(monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0)
    monkeypatch.setattr(turns, "LOOK_SECONDS", 0.01)
    held = turns.Turns(1)
    held.take_free()
    opened = threading.Event()

    def train():
        with turns.turn(held):
            opened.set()

    thread = threading.Thread(target=train)
    thread.start()
    assert not opened.wait(0.2)
    held.give_back()
    thread.join(PATIENCE)
    assert opened.is_set()


def in_turn(held: turns.Turns, name: str, seconds: float, got: list[str]) -> threading.Thread:
    """A request of a caller that waits for a turn, and has it for so long."""

    def request():
        caller.set(lambda: name)
        caller_gone.set(threading.Event())
        try:
            with turns.turn(held):
                got.append(name)
                time.sleep(seconds)
        except TooManyPhotos:
            got.append(f"{name} later")

    thread = threading.Thread(target=request)
    thread.start()
    return thread


def test_one_caller_that_asks_for_much_keeps_nobody_from_a_turn():
    held, got = turns.Turns(1), []
    held.take_free()
    threads = [in_turn(held, "greedy", 0.05, got) for _ in range(12)]
    held.give_back()
    while len(got) < 2:
        time.sleep(0.01)
    threads += [in_turn(held, "honest", 0.01, got) for _ in range(3)]
    for thread in threads:
        thread.join(PATIENCE)
    assert got.count("honest") == 3
    assert got.index("honest") <= 4
    assert got[got.index("honest") :][:3] == ["honest"] * 3, "who has used less is first"
    assert got.count("greedy") == 12, "and what there is of turns is used"


def test_one_caller_has_only_so_many_waiting(monkeypatch):
    monkeypatch.setattr(turns, "MOST_WAITING", 3)
    held, got = turns.Turns(1), []
    held.take_free()
    threads = [in_turn(held, "greedy", 0, got) for _ in range(10)]
    while len(got) < 7:
        time.sleep(0.01)
    assert got == ["greedy later"] * 7
    threads.append(in_turn(held, "honest", 0, got))
    held.give_back()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(got[7:]) == ["greedy"] * 3 + ["honest"]


def test_what_a_caller_used_is_forgotten_as_time_goes_by(monkeypatch):
    monkeypatch.setattr(turns, "HALF_LIFE", 0.01)
    held = turns.Turns(1)
    for name in ("busy", "new"):
        held.take_free()
        held.give_back(name, 100)
        time.sleep(0.3)
    assert [*held._used] == ["new"]
    assert held._used_by("new", time.monotonic()) < 1


def test_turn_comes_back_when_decoding_fails():
    for _ in range(2 * turns.AT_ONCE):
        with pytest.raises(ValueError, match="cannot be read"):
            open_upright(b"no photo")
    assert open_upright(photo_bytes()).mode == "RGB"


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_program_gets_503_and_a_code(shop, request_of, monkeypatch, request):
    trained(shop, products=2, photos=2)
    request.getfixturevalue("all_taken")
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.1)
    token = bearer(shop, "recognize")
    answer = recognize(token, photo_bytes())
    assert answer["errors"][0]["extensions"]["code"] == "TOO_MANY"
    assert "Try again" in answer["errors"][0]["message"]
    form = {
        "operations": '{"query": "mutation ($i: Upload!) { recognizeProduct(image: $i) { version } }", '
        '"variables": {"i": null}}',
        "map": '{"0": ["variables.i"]}',
        "0": SimpleUploadedFile("a.jpg", photo_bytes()),
    }
    response = Client().post("/graphql/", form, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 503


def test_page_gets_503_and_a_sentence(client, superuser_with_photo, all_taken, request_of, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.1)
    client.raise_request_exception = False
    response = client.get(superuser_with_photo)
    assert response.status_code == 503
    assert "many photos just now" in response.content.decode()


@pytest.fixture
def superuser_with_photo(client, admin_user, product):
    client.force_login(admin_user)
    photo = add_photo(product)
    return reverse("photo-thumbnail", args=[photo.pk, photo.sha256])
