"""`mlTrainingInfo` over GraphQL: the same as the page says, for those who may read it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from ml_training.runs import lifecycle, queue
from tests.factories import add_photo, make_staff
from tests.support.training import claimed, queued_run, trained

QUERY = """
query ($shopId: ID) {
  mlTrainingInfo(shopId: $shopId) {
    status progress phase startedAt lastTrainedAt error message productCount imageCount hasActiveModel version
    setAside { photo product sku filename reason }
  }
}
"""


def post(client, **variables) -> dict:
    body = {"query": QUERY, "variables": variables}
    return client.post("/graphql/", body, content_type="application/json").json()


def ask(client, **variables) -> dict:
    answer = post(client, **variables)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["mlTrainingInfo"]


def refusal(client, **variables) -> str:
    answer = post(client, **variables)
    assert not (answer.get("data") or {}).get("mlTrainingInfo")
    (error,) = answer["errors"]
    return error["extensions"]["code"]


def test_new_shop_is_idle(staff_client):
    info = ask(staff_client)
    assert (info["status"], info["hasActiveModel"], info["version"]) == ("IDLE", False, None)
    assert (info["productCount"], info["imageCount"]) == (0, 0)
    assert "Add photos" in info["message"]


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_trained_shop_says_what_the_page_says(shop, staff_client):
    version = trained(shop, products=2, photos=2)
    info = ask(staff_client, shopId=shop.pk)
    assert (info["status"], info["hasActiveModel"], info["version"]) == ("ACTIVE", True, version.number)
    assert (info["productCount"], info["imageCount"], info["setAside"]) == (2, 4, [])
    assert info["lastTrainedAt"].startswith(version.created_at.isoformat()[:19])


def test_status_follows_the_runs(shop, staff_client):
    queue.request_training(shop.pk, queue.Change("photo_added", "Oat milk"))
    assert ask(staff_client)["status"] == "QUEUED"
    run = lifecycle.claim(queued_run(shop).pk)
    lifecycle.beat(run, phase="embedding", progress=0.5)
    info = ask(staff_client)
    assert (info["status"], info["progress"], info["phase"]) == ("TRAINING", 0.5, "Looking at the photos")
    assert info["startedAt"]
    run.set_aside = [{"photo": 1, "product": 2, "sku": "x", "filename": "a.jpg", "reason": "Cut off."}]
    lifecycle.fail(run, "The disk is full.")
    info = ask(staff_client)
    assert info["status"] == "FAILED"
    assert info["error"].startswith("The disk is full.")
    (aside,) = info["setAside"]
    assert (aside["sku"], aside["filename"], aside["reason"]) == ("x", "a.jpg", "Cut off.")


def test_nobody_and_those_without_permission_read_nothing(shop, client):
    assert refusal(client) == "UNAUTHENTICATED"
    client.force_login(make_staff("junior", shop, permissions=False))
    assert refusal(client) == "FORBIDDEN"


def test_another_shop_reads_like_one_that_does_not_exist(staff_client, other_shop):
    assert refusal(staff_client, shopId=other_shop.pk) == "NOT_FOUND"
    assert refusal(staff_client, shopId=other_shop.pk + 1000) == "NOT_FOUND"


def test_whoever_sees_several_shops_says_which(staff, staff_client, other_shop):
    other_shop.members.add(staff)
    claimed(other_shop)
    assert refusal(staff_client) == "SHOP_REQUIRED"
    assert ask(staff_client, shopId=other_shop.pk)["status"] == "TRAINING"


def test_number_of_queries_is_the_same_however_much_there_is(shop, staff_client):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            ask(staff_client)
        return len(captured)

    claimed(shop)
    few = queries()
    for number in range(5):
        add_photo(Product.objects.create(shop=shop, sku=f"{number}", name=f"{number}"), kind=number)
    assert queries() == few
