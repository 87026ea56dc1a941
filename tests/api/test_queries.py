"""What the queries say, and that lists cost the same number of database queries at 10 and 1,000 items."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Shop
from ml_training.models import TrainingRun
from notifications.models import Notification
from tests.factories import add_photo, add_version, bearer, fill
from tests.support.api import ask, data

LISTS = {
    "shops": "{ shops(first: 100) { totalCount edges { node { databaseId name slug } } } }",
    "products": """{ products(first: 100) { totalCount edges { node {
      id sku name imageCount images { edges { node { url sha256 } } } } } } }""",
    "mlTrainingManifest": """{ mlTrainingManifest { version productCount imageCount products(first: 100) {
      totalCount edges { node {
        databaseId sku name images { edges { node { databaseId url filename sha256 } } } } } } } }""",
    "trainingRuns": "{ trainingRuns(first: 100) { totalCount edges { node { status trigger version setAside"
    " { sku } } } } }",
    "modelVersions": "{ modelVersions(first: 100) { totalCount edges { node { number isActive metrics files"
    " { url size sha256 present } } } } }",
    "notifications": "{ notifications(first: 100) { totalCount edges { node { title shopId readAt } } } }",
}


def grow(name: str, shop, user, start: int, count: int) -> None:
    if name == "shops":
        shops = Shop.objects.bulk_create(
            Shop(name=f"Shop {number}", slug=f"shop-{number}")
            for number in range(start or 1, start + count)  # the first is there already
        )
        user.shops.add(*shops)
    elif name in {"products", "mlTrainingManifest"}:
        fill(shop, count, photos=2, start=start)
    elif name == "notifications":
        Notification.objects.bulk_create(
            Notification(recipient=user, shop=shop, level="info", title="News", key=str(n))
            for n in range(start, start + count)
        )
    else:
        for _ in range(count):
            add_version(shop)


def size(answer: dict) -> int:
    (found,) = answer.values()
    return found.get("products", found)["totalCount"]


@pytest.mark.parametrize("name", LISTS)
def test_list_costs_the_same_at_10_and_1000_items(name, shop, staff, staff_client):
    def queries(expected: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = data(ask(LISTS[name], client=staff_client))
        assert size(answer) == expected
        return len(captured)

    grow(name, shop, staff, 0, 10)
    few = queries(10)
    grow(name, shop, staff, 10, 990)
    assert queries(1000) == few <= 11


def test_training_info_of_an_empty_shop_says_what_to_do(shop):
    query = """{ mlTrainingInfo { status progress phase startedAt lastTrainedAt error message
      productCount imageCount hasActiveModel version setAside { sku } } }"""
    info = data(ask(query, token=bearer(shop)))["mlTrainingInfo"]
    assert "Add photos" in info.pop("message")
    assert info == {
        "status": "IDLE",
        "progress": 0.0,
        "phase": "",
        "startedAt": None,
        "lastTrainedAt": None,
        "error": "",
        "productCount": 0,
        "imageCount": 0,
        "hasActiveModel": False,
        "version": None,
        "setAside": [],
    }


def test_manifest_tells_everything_a_trainer_needs(shop):
    product, _ = fill(shop, 2)
    photo = add_photo(product)
    answer = data(ask(LISTS["mlTrainingManifest"], token=bearer(shop, "train")))["mlTrainingManifest"]
    assert (answer["version"], answer["productCount"], answer["imageCount"]) == (1, 1, 1)
    (edge,) = answer["products"]["edges"]
    assert (edge["node"]["sku"], edge["node"]["databaseId"]) == (product.sku, str(product.pk))
    assert edge["node"]["images"]["edges"][0]["node"] == {
        "databaseId": str(photo.pk),
        "url": f"/photos/{photo.pk}/{photo.sha256}/",
        "filename": photo.filename,
        "sha256": photo.sha256,
    }


def test_model_info_and_versions_agree_on_what_serves(shop):
    add_version(shop)
    second = add_version(shop)
    token = bearer(shop)
    query = (
        "{ mlModelInfo { hasModel version status trainedAt files { kind name url sha256 size present } } }"
    )
    info = data(ask(query, token=token))["mlModelInfo"]
    assert (info["hasModel"], info["version"], info["status"]) == (True, 2, "ACTIVE")
    assert [file["kind"] for file in info["files"]] == ["MODEL_JSON", "WEIGHTS", "METADATA", "ONNX"]
    assert info["files"][0]["url"] == f"/models/{second.pk}/{'0' * 64}/model.json"
    versions = data(ask("{ modelVersions { edges { node { number isActive } } } }", token=token))
    assert [edge["node"] for edge in versions["modelVersions"]["edges"]] == [
        {"number": 2, "isActive": True},
        {"number": 1, "isActive": False},
    ]


def test_runs_are_told_in_words_and_those_without_work_are_left_out(shop):
    trigger = [{"kind": "photo_added", "product": "Oat milk", "count": 3}]
    TrainingRun.objects.create(shop=shop, status="failed", error="No.", trigger=trigger)
    TrainingRun.objects.create(shop=shop, status="superseded")
    query = "{ trainingRuns { totalCount edges { node { id status trigger error } } } }"
    runs = data(ask(query, token=bearer(shop)))["trainingRuns"]
    node = runs["edges"][0]["node"]
    assert (runs["totalCount"], node["trigger"]) == (1, "3 photos added to Oat milk")
    again = "query ($id: ID!) { node(id: $id) { ... on TrainingRun { status error } } }"
    found = data(ask(again, {"id": node["id"]}, token=bearer(shop)))["node"]
    assert found == {"status": "FAILED", "error": "No."}


def test_product_is_found_by_sku_and_by_barcode(shop):
    first, second = fill(shop, 2)
    second.barcode = "4001"
    second.save()
    query = "query ($s: String, $b: String) { products(sku: $s, barcode: $b) { edges { node { sku } } } }"
    for variables, expected in (({"s": first.sku}, first), ({"b": "4001"}, second)):
        (edge,) = data(ask(query, variables, token=bearer(shop)))["products"]["edges"]
        assert edge["node"]["sku"] == expected.sku


def test_pages_of_photos_join_to_all_of_them(shop):
    fill(shop, 3, photos=5)
    token, seen, after = bearer(shop), [], None
    query = """query ($after: String) { products { edges { node { images(first: 2, after: $after) {
      pageInfo { hasNextPage endCursor } edges { node { filename } } } } } } }"""
    for more in (True, True, False):
        edges = data(ask(query, {"after": after}, token=token))["products"]["edges"]
        pages = [edge["node"]["images"] for edge in edges]
        assert [page["pageInfo"]["hasNextPage"] for page in pages] == [more] * 3
        seen += [edge["node"]["filename"] for edge in pages[1]["edges"]]
        after = pages[1]["pageInfo"]["endCursor"]
    assert seen == [f"{n}.jpg" for n in range(5)]
    last = data(
        ask(
            "{ products { edges { node { images(last: 1) { edges { node { filename } } } } } } }", token=token
        )
    )
    assert json.dumps(last).count("4.jpg") == 3


def test_notifications_are_read_one_by_one_and_all_at_once(shop, staff, staff_client):
    grow("notifications", shop, staff, 0, 5)
    newest = data(
        ask("{ notifications { edges { node { databaseId level readAt } } } }", client=staff_client)
    )
    node = newest["notifications"]["edges"][0]["node"]
    assert (node["level"], node["readAt"]) == ("INFO", None)
    mutation = "mutation ($id: ID!) { markNotificationRead(id: $id) { notification { readAt }"
    mutation += " unreadNotificationCount } }"
    for _ in range(2):
        answer = data(ask(mutation, {"id": node["databaseId"]}, client=staff_client))
        assert answer["markNotificationRead"]["unreadNotificationCount"] == 4
        assert answer["markNotificationRead"]["notification"]["readAt"]
    unread = "{ unreadNotificationCount notifications(unreadOnly: true) { totalCount } }"
    assert data(ask(unread, client=staff_client)) == {
        "unreadNotificationCount": 4,
        "notifications": {"totalCount": 4},
    }
    everything = "mutation { markAllNotificationsRead { marked unreadNotificationCount } }"
    for marked in (4, 0):
        answer = data(ask(everything, client=staff_client))
        assert answer == {"markAllNotificationsRead": {"marked": marked, "unreadNotificationCount": 0}}


@pytest.mark.parametrize(
    "id", ["x", "", "UHJvZHVjdDo=", "UHJvZHVjdDp4", "Tm9uc2Vuc2U6MQ==", "UXVlcnk6MQ==", "é"]
)
def test_made_up_global_id_is_refused(shop, id):
    answer = ask("query ($id: ID!) { node(id: $id) { id } }", {"id": id}, token=bearer(shop))
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"
