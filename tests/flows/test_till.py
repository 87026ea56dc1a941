"""From a tap at the till to a model that has learned it, with nothing but what devices and staff can do."""

import hashlib

import pytest
from django.core.management import call_command
from django.urls import reverse

from tests.factories import photo_bytes, stock
from tests.support.commands import only_json
from tests.support.tills import act, correction, get, send
from tests.support.training import work
from till.models import Correction, Till

pytestmark = [pytest.mark.training, pytest.mark.django_db(transaction=True)]
STATE = reverse("till-state")


@pytest.fixture
def secret(shop, capsys) -> str:
    call_command("add_till", "Counter 1", "--json")
    return only_json(capsys.readouterr().out)["url"].partition("#token=")[2]


def head_of(secret: str) -> bytes:
    model = get(STATE, secret).json()["model"]
    content = b"".join(get(model["head"]["url"], secret).streaming_content)
    assert hashlib.sha256(content).hexdigest() == model["head"]["sha256"]
    assert len(content) == model["head"]["bytes"]
    return content


def test_photo_of_a_correction_is_in_the_next_model_of_the_till(shop, secret, staff_client):
    products = stock(shop, 3, 3)
    work()
    first = get(STATE, secret)
    model = first.json()["model"]
    assert model["labels"] == [product.pk for product in products]
    assert set(model["named_above"]) == {"1", "2", "3", "5"}
    before = head_of(secret)
    assert get(STATE, secret, **{"If-None-Match": first["ETag"]}).status_code == 304

    sent = send(correction(products[0], products[1]), secret, photo_bytes(1, 77))
    assert sent.status_code == 201
    work()
    assert head_of(secret) == before, "nothing teaches by itself"

    act(staff_client, "take", Correction.objects.get())
    work()
    second = get(STATE, secret, **{"If-None-Match": first["ETag"], "X-Till-Version": "1"})
    assert second.status_code == 200
    assert second.json()["model"]["version"] == model["version"] + 1
    assert second.json()["model"]["backbone"] == model["backbone"], "a retrain costs the head alone"
    assert head_of(secret) != before
    assert products[1].images.count() == 4

    till = Till.objects.get()
    assert till.version == 1
    staff_client.post(
        reverse("admin:till_till_changelist"), {"action": "revoke", "_selected_action": [till.pk]}
    )
    assert get(STATE, secret).status_code == 401
    assert get(model["head"]["url"], secret).status_code == 401
