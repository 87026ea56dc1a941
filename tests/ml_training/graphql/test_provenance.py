"""GraphQL: how good versions are, what they learned and which versions learned a photo."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import ProductImage
from ml_training.models import ModelVersion
from tests.factories import add_version, bearer, fill, learn
from tests.support.api import ask, code, data

pytestmark = pytest.mark.django_db
FIGURES = "number accuracy accuracyRange coverage heldBack changes hasFiles files { url present }"
PHOTOS = "photoId productId productName filename sha256 isGone nowOnProductId url sinceVersion untilVersion"
LEARNED = (
    "query ($first: Int, $after: String) { modelVersions { edges { node { number"
    " learnedPhotos(first: $first, after: $after) { pageInfo { hasNextPage endCursor }"
    f" edges {{ node {{ {PHOTOS} }} }} }} }} }} }} }}"
)
LEARNED_BY = """{ products(first: 100) { edges { node { images(first: 100) {
  edges { node { databaseId learnedBy { first last } } } } } } } }"""


def nodes(connection: dict) -> list[dict]:
    return [edge["node"] for edge in connection["edges"]]


def versions(shop, fields: str, **variables) -> dict[int, dict]:
    answer = ask(f"{{ modelVersions {{ edges {{ node {{ {fields} }} }} }} }}", variables, bearer(shop))
    return {node["number"]: node for node in nodes(data(answer)["modelVersions"])}


def learned(shop, **page) -> dict[int, dict]:
    found = nodes(data(ask(LEARNED, page, bearer(shop)))["modelVersions"])
    return {node["number"]: node["learnedPhotos"] for node in found}


def test_versions_say_how_good_they_are_and_what_changed(shop):
    fill(shop, 2, photos=2)
    learn(shop)
    ProductImage.objects.first().delete()
    second = learn(shop)
    second.metrics = {
        "accuracy": 0.85,
        "accuracy_range": [0.8, 0.9],
        "coverage": {"0.02,0.05": 0.6, "0.05,0.05": 0.9},
    }
    second.held_back = "It mixes up Lemon and Lime."
    second.save()
    found = versions(shop, FIGURES.replace("files { url present }", ""))
    assert found[2] == {
        "number": 2,
        "accuracy": 0.85,
        "accuracyRange": [0.8, 0.9],
        "coverage": 0.6,
        "heldBack": "It mixes up Lemon and Lime.",
        "changes": "1 photo removed from Product 00000",
        "hasFiles": True,
    }
    assert (found[1]["accuracy"], found[1]["accuracyRange"], found[1]["coverage"]) == (None, None, None)
    assert found[1]["changes"] == "The first version"


def test_version_whose_files_are_gone_has_no_addresses(shop):
    version = add_version(shop)
    ModelVersion.objects.filter(pk=version.pk).update(has_files=False)
    found = versions(shop, FIGURES)[1]
    assert found["hasFiles"] is False
    assert found["files"] == [{"url": None, "present": False}] * 4


def test_pruned_version_is_not_activated(shop):
    version = add_version(shop, active=False)
    ModelVersion.objects.filter(pk=version.pk).update(has_files=False)
    answer = ask("mutation { activateModelVersion(version: 1) { changed } }", token=bearer(shop, "train"))
    assert code(answer) == "CONFLICT"
    assert "were removed" in answer["errors"][0]["message"]


def test_photos_that_a_version_learned_come_with_those_that_are_gone(shop):
    first, second = fill(shop, 2, photos=2)
    learn(shop)
    gone, moved = first.images.first(), second.images.first()
    gone_pk = gone.pk
    gone.delete()
    ProductImage.objects.filter(pk=moved.pk).update(product=first)
    learn(shop)
    by_version = {
        number: {int(n["photoId"]): n for n in nodes(page)} for number, page in learned(shop).items()
    }
    assert len(by_version[1]) == 4
    assert len(by_version[2]) == 3
    assert by_version[1][gone_pk] == {
        "photoId": str(gone_pk),
        "productId": str(first.pk),
        "productName": "Product 00000",
        "filename": "0.jpg",
        "sha256": f"{0:064}",
        "isGone": True,
        "nowOnProductId": None,
        "url": None,
        "sinceVersion": 1,
        "untilVersion": 1,
    }
    old, new = by_version[1][moved.pk], by_version[2][moved.pk]
    assert (old["productId"], old["nowOnProductId"]) == (str(second.pk), str(first.pk))
    assert (new["productId"], new["sinceVersion"], new["untilVersion"]) == (str(first.pk), 2, None)
    assert old["url"]
    assert old["isGone"] is False


def test_photos_are_read_page_by_page(shop):
    fill(shop, 3, photos=3)
    learn(shop)
    seen, after = [], None
    for more in (True, True, False):
        page = learned(shop, first=4, after=after)[1]
        assert page["pageInfo"]["hasNextPage"] is more
        seen += [node["photoId"] for node in nodes(page)]
        after = page["pageInfo"]["endCursor"]
    assert seen == [
        str(pk) for pk in ProductImage.objects.order_by("product", "pk").values_list("pk", flat=True)
    ]


def test_learned_photos_cost_the_same_for_any_number_of_versions_and_photos(shop, staff_client):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            data(ask(LEARNED, {"first": 10}, client=staff_client))
        return len(captured)

    fill(shop, 2, photos=2)
    for _ in range(2):
        learn(shop)
    few = queries()
    fill(shop, 30, photos=3, start=2)
    for _ in range(60):
        learn(shop)
        ProductImage.objects.filter(pk=ProductImage.objects.last().pk).delete()
    assert queries() == few <= 9


def test_photo_says_which_versions_learned_it_at_the_same_cost_for_any_number(shop, staff_client):
    def queries() -> tuple[int, dict]:
        with CaptureQueriesContext(connection) as captured:
            answer = data(ask(LEARNED_BY, client=staff_client))
        return len(captured), answer

    fill(shop, 2, photos=2)
    for _ in range(3):
        learn(shop)
    few, answer = queries()
    assert json.dumps(answer).count('[{"first": 1, "last": 3}]') == 4
    fill(shop, 60, photos=3, start=2)
    many, answer = queries()
    assert json.dumps(answer).count('"learnedBy": []') == 180
    assert many == few <= 10


def test_global_ids_of_a_photo_and_of_what_was_learned(shop, other_shop):
    fill(shop, 1, photos=1)
    learn(shop)
    query = """{ modelVersions { edges { node { id learnedPhotos { edges { node { id } } } } } }
      products { edges { node { images { edges { node { id } } } } } } }"""
    found = data(ask(query, token=bearer(shop)))
    version = nodes(found["modelVersions"])[0]
    ids = [nodes(version["learnedPhotos"])[0]["id"], nodes(nodes(found["products"])[0]["images"])[0]["id"]]
    asked = """query ($id: ID!) { node(id: $id) {
      ... on LearnedPhoto { filename isGone } ... on ProductImage { learnedBy { first last } } } }"""
    answers = [data(ask(asked, {"id": id}, token=bearer(shop)))["node"] for id in ids]
    assert answers == [{"filename": "0.jpg", "isGone": False}, {"learnedBy": [{"first": 1, "last": 1}]}]
    assert [data(ask(asked, {"id": id}, token=bearer(other_shop)))["node"] for id in ids] == [None, None]


@pytest.mark.parametrize(
    ("codename", "query"),
    [("view_modelversion", LEARNED_BY), ("view_productimage", LEARNED), ("view_modelversion", LEARNED)],
)
def test_what_was_learned_takes_the_rights_to_see_it(shop, staff, staff_client, codename, query):
    fill(shop, 1, photos=1)
    learn(shop)
    staff.user_permissions.remove(Permission.objects.get(codename=codename))
    assert code(ask(query, client=staff_client)) == "FORBIDDEN"
    assert code(ask(query, token=bearer(shop, "recognize"))) == "FORBIDDEN"


def test_version_that_was_held_back_is_not_switched_on_by_itself(shop):
    add_version(shop, active=False)
    add_version(shop, active=False)
    ModelVersion.objects.filter(number=2).update(held_back="It is worse.")
    answer = ask("mutation { setMlModelStatus(status: ACTIVE) { changed } }", token=bearer(shop, "train"))
    assert "of version 1 is missing" in answer["errors"][0]["message"]
