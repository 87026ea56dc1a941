"""Requests of one caller hold up nobody else's."""

import threading

import pytest

from api import places
from api.errors import ApiError
from api.places import Places
from catalog.models import Shop
from tests.factories import bearer, make_staff
from tests.support.api import PATIENCE, code, data, post


def test_requests_of_one_caller_wait_for_each_other_and_for_nobody_else():
    own = Places(1, 1, PATIENCE)
    entered = threading.Event()

    def ask():
        with own.place("greedy"):
            entered.set()

    with own.place("greedy"):
        waiting = threading.Thread(target=ask)
        waiting.start()
        with own.place("modest"):
            assert not entered.wait(0.1)
        with pytest.raises(ApiError) as refused, own.place("greedy"):
            pass
        assert refused.value.code == "TOO_MANY", "one waits already"
    waiting.join(PATIENCE)
    assert entered.is_set()
    assert not own._places, "who has gone is forgotten"


def test_place_that_does_not_become_free_is_given_up_and_comes_back():
    own = Places(1, 5, 0.05)
    with own.place("a"), pytest.raises(ApiError), own.place("a"):
        pass
    with own.place("a"):
        pass


@pytest.mark.django_db
def test_caller_whose_places_are_taken_is_told_to_come_again(monkeypatch, client):
    monkeypatch.setattr(places.places, "seconds", 0.05)
    shop = Shop.default()
    token, other = bearer(shop, "read"), bearer(shop, "read")
    client.force_login(make_staff("anna", shop))
    query = "{ shops { totalCount } }"
    callers = [token, client.session.session_key]
    held = [places.places.place(caller) for caller in callers for _ in range(places.AT_ONCE)]
    for place in held:
        place.__enter__()
    try:
        for options in ({"token": token}, {"client": client}):
            refused = post(query, **options)
            assert (refused.status_code, code(refused.json())) == (503, "TOO_MANY")
        assert data(post(query, token=other).json())
    finally:
        for place in held:
            place.__exit__(None, None, None)
    assert data(post(query, token=token).json())
