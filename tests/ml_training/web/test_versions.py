"""Versions on Settings > ML Model: what is shown, who may choose, with a script and without."""

import re

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product, ProductImage
from ml_training.gate.judge import find_regressions
from ml_training.models import ModelVersion, ShopTraining
from ml_training.recognition.recognize import recognize
from ml_training.runs.lifecycle import claim
from ml_training.runs.queue import Change, request_training
from ml_training.status.shop import training_info
from ml_training.status.versions import MAX_VERSIONS, SHOWN
from ml_training.versions.prune import prune
from tests.factories import add_version, choose, fill, learn, photo_bytes
from tests.support.pages.sections import URL
from tests.support.pages.versions_page import ACTIVATE, LIST, PAGE, VERSIONS, listed, rows, several, text
from tests.support.training import active_version, work

pytestmark = pytest.mark.django_db(transaction=True)


# --- What is shown ---------------------------------------------------------------------------------


def test_each_version_has_its_state_and_the_one_button_that_makes_sense(shop, staff_client):
    versions = several(shop, 5)
    ModelVersion.objects.filter(number=1).update(has_files=False)
    ModelVersion.objects.filter(number=2).update(held_back="It mixes up Lemon and Lime.")
    ShopTraining.objects.update(active_version=versions[3])
    assert listed(staff_client) == {
        5: ("kept", "Activate"),
        4: ("serves", ""),
        3: ("earlier", "Roll back to this version"),
        2: ("held-back", "Activate anyway"),
        1: ("removed", ""),
    }
    assert "It mixes up Lemon and Lime." in text(staff_client)


def test_nothing_serves_and_every_version_with_files_can_be_activated(shop, staff_client):
    several(shop, 2)
    ShopTraining.objects.update(active_version=None)
    assert listed(staff_client) == {2: ("kept", "Activate"), 1: ("kept", "Activate")}


def test_held_back_version_that_was_activated_anyway_serves_and_can_be_rolled_back_from(shop, staff_client):
    several(shop, 2)
    ModelVersion.objects.filter(number=2).update(held_back="It is worse.")
    assert listed(staff_client) == {2: ("serves", ""), 1: ("earlier", "Roll back to this version")}


def test_reason_does_not_say_what_serves_as_that_may_be_another_one_by_now(shop, staff_client):
    """Both as `gate` words it."""
    active, new = several(shop, 2)
    judged = {f"{n}": [1, 1] for n in range(20)}
    active.cross_validated, new.cross_validated = (
        judged,
        {photo: [1, 2 if int(photo) < 12 else 1] for photo in judged},
    )
    active.cross_validated |= {"99": [2, 2]}
    new.held_back = find_regressions(active, new)
    new.save()
    ShopTraining.objects.update(active_version=active)
    assert new.held_back.startswith("Version 1 goes on serving: version 2 mixes up")
    said = text(staff_client)
    assert "Version 2 mixes up" in said
    assert "goes on serving" not in said


def test_page_and_section_show_the_same_and_the_page_says_where_sections_are(shop, staff_client):
    several(shop)
    html = staff_client.get(PAGE).content.decode()
    assert rows(html) == listed(staff_client)
    assert 'id="ml-versions" data-ml-section="versions"' in html
    assert f'data-url="{URL}?shop={shop.slug}"' in html
    assert "<html" not in staff_client.get(LIST).content.decode()


def test_figures_are_words_and_the_rate_is_the_shops(shop, staff_client):
    coverage = {"0.01,0.05": 0.31, "0.02,0.05": 0.624, "0.05,0.05": 0.9}
    several(shop, 1, accuracy=0.854, accuracy_range=[0.8, 0.9], coverage=coverage)
    assert "85 % (80 % to 90 %)" in text(staff_client)
    assert "62 of 100" in text(staff_client)
    choose(shop, names_wrong_choice="0.05")
    assert "90 of 100" in text(staff_client)
    assert "62 of 100" not in text(staff_client)


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"accuracy": "good", "accuracy_range": 5, "coverage": [1]},
        {"coverage": {"0.02,0.05": 7}, "accuracy": 9},
    ],
)
def test_figures_that_are_missing_or_odd_are_not_known(shop, staff_client, metrics):
    several(shop, 1, **metrics)
    assert text(staff_client).count("not known") == 2


def test_changes_are_said_and_old_versions_say_nothing(shop, staff_client):
    add_version(shop)
    fill(shop, 2, photos=2)
    learn(shop)
    ProductImage.objects.first().delete()
    learn(shop)
    assert "1 photo removed from Product 00000" in text(staff_client)
    html = staff_client.get(LIST).content.decode()
    assert f"{VERSIONS}3/photos/" in html
    assert f"{VERSIONS}1/photos/" not in html


def test_names_that_people_gave_are_text_and_never_markup(shop, staff_client):
    fill(shop, 2, photos=1)
    learn(shop)
    evil = Product.objects.create(shop=shop, sku="x", name="<script>alert(1)</script>")
    ProductImage.objects.filter(product__sku="S00000").update(product=evil)
    learn(shop)
    ModelVersion.objects.update(held_back="<b>bold</b>")
    for address in (PAGE, LIST, f"{VERSIONS}2/photos/"):
        html = staff_client.get(address).content.decode()
        assert "<script>alert" not in html
        assert "<b>bold" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_new_shop_says_when_the_first_version_comes(shop, staff_client):
    assert "as soon as two products have photos" in text(staff_client)


def test_many_versions_are_folded_and_the_one_that_serves_is_always_there(shop, staff_client):
    versions = several(shop, MAX_VERSIONS + 20)
    ShopTraining.objects.update(active_version=versions[0])
    html = staff_client.get(LIST).content.decode()
    assert len(rows(html)) == MAX_VERSIONS + 1
    assert rows(html)[1] == ("serves", "")
    shown, folded = html.split("<details")
    assert len(rows(shown)) == SHOWN
    assert f"There are {MAX_VERSIONS + 20} versions" in folded


def test_list_costs_the_same_number_of_queries_at_any_length(shop, staff_client):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            listed(staff_client)
        return len(captured)

    several(shop, 2)
    few = queries()
    several(shop, MAX_VERSIONS - 3)
    assert queries() == few <= 9


# --- Choosing --------------------------------------------------------------------------------------


@pytest.mark.training
def test_rolling_back_without_a_script_comes_back_with_a_message(shop, two, staff_client):
    form = re.search(r'<form method="post" action="([^"]*)">', staff_client.get(LIST).content.decode())
    response = staff_client.post(form[1], {"version": "1"})
    assert (response.status_code, response["Location"]) == (302, f"{PAGE}?shop={shop.slug}#ml-versions")
    (message,) = get_messages(response.wsgi_request)
    assert str(message) == "Version 1 serves. What the next training makes takes over, unless it is worse."
    assert active_version(shop) == two
    assert listed(staff_client)[1] == ("serves", "")


@pytest.mark.training
def test_rolling_back_with_a_script_answers_in_json(shop, two, staff_client):
    accept = {"Accept": "application/json"}
    for words in ("Version 1 serves.", "Version 1 serves already."):
        response = staff_client.post(ACTIVATE, {"version": "1"}, headers=accept)
        assert response.status_code == 200
        assert response.json()["message"].startswith(words)
    assert active_version(shop) == two


@pytest.mark.training
def test_answer_tells_of_a_training_that_waits_or_is_under_way(shop, two, staff_client):
    run = request_training(shop.pk, Change("photo_added", "Lemon"))
    accept = {"Accept": "application/json"}
    waits = staff_client.post(ACTIVATE, {"version": "1"}, headers=accept).json()["message"]
    assert "A training is queued" in waits
    assert claim(run.pk)
    goes_on = staff_client.post(ACTIVATE, {"version": "2"}, headers=accept).json()["message"]
    assert "A training is under way" in goes_on


def test_status_says_what_goes_on_serving_only_while_it_does(shop, staff_client):
    """Whoever rolls back to a third version reads of the held-back one in the list."""
    versions = several(shop, 3)
    reason = "Version 2 goes on serving: version 3 mixes up Lemon and Lime."
    ModelVersion.objects.filter(number=3).update(held_back=reason)
    for serves, message in ((2, reason), (1, "")):
        ShopTraining.objects.update(active_version=versions[serves - 1])
        assert training_info(shop).message == message
    assert "Version 3 mixes up Lemon and Lime." in text(staff_client)


@pytest.mark.training
def test_next_training_takes_over_as_the_page_says(shop, two, staff_client):
    staff_client.post(ACTIVATE, {"version": "1"})
    request_training(shop.pk, Change("asked"))
    work()
    assert active_version(shop).number == 3


@pytest.mark.training
def test_rolled_back_version_answers_the_next_photo(shop, two, staff_client):
    assert recognize(shop, photo_bytes(0, 9)).version == 2
    staff_client.post(ACTIVATE, {"version": "1"})
    assert recognize(shop, photo_bytes(0, 9)).version == 1


@pytest.mark.training
@pytest.mark.parametrize("json", [True, False])
def test_version_without_files_is_refused_in_a_sentence(shop, two, staff_client, settings, json):
    settings.KEEP_VERSIONS = 1
    request_training(shop.pk, Change("asked"))
    work()
    prune(shop.pk)
    headers = {"Accept": "application/json"} if json else {}
    response = staff_client.post(ACTIVATE, {"version": "1"}, headers=headers)
    if json:
        assert response.status_code == 409
        said = response.json()["message"]
    else:
        (said,) = map(str, get_messages(response.wsgi_request))
    assert said.startswith("Nothing was changed. The files of version 1 were removed")
    assert active_version(shop).number == 3
