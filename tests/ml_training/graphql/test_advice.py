"""mlAdvice: the same as on the page, for those who may see training and products."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from ml_training.models import ShopTraining
from tests.factories import backed, bearer, judge, make_staff, shelf, shelf_more
from tests.support.api import ask, code, data

pytestmark = pytest.mark.django_db
QUERY = """{ mlAdvice { version
  wantingPhotos { databaseId name imageCount } wantingPhotosCount
  nextProducts { product { name } expectedGain }
  mixUps { first { name } second { name } firstForSecond secondForFirst expectedLossPerThousandScans
    firstPhotos { filename url thumbnailUrl } secondPhotos { filename } }
  suspects { photo { databaseId } product { sku } kind reason otherPhoto { filename } otherProduct { name } }
  suspectsCount expectedLossPerThousandScans productsWithoutPrice } }"""


def test_it_says_what_the_page_says(shop):
    a, b, *_ = shelf(shop, ["2.00", "3.50", None])
    judge(shop, {(a, b): 3})
    backed(shop)
    found = data(ask(QUERY, token=bearer(shop, "read")))["mlAdvice"]
    (pair,) = found["mixUps"]
    assert pair["first"] == {"name": "Conference"}
    assert pair["firstForSecond"] == 0.3
    assert pair["expectedLossPerThousandScans"] == found["expectedLossPerThousandScans"] == "150.00"
    assert pair["firstPhotos"][0]["thumbnailUrl"].endswith("/thumbnail/")
    assert pair["secondPhotos"] == []
    assert found["nextProducts"][0]["product"]["name"] == "Conference"
    assert found["nextProducts"][0]["expectedGain"] > 0
    assert found["version"] == 1
    assert found["productsWithoutPrice"] == 1


def test_empty_shop_has_an_answer_too(shop):
    found = data(ask(QUERY, token=bearer(shop, "train")))["mlAdvice"]
    assert found["version"] is None
    assert found["expectedLossPerThousandScans"] is None
    assert [found[name] for name in ("wantingPhotos", "nextProducts", "mixUps", "suspects")] == [[]] * 4


def test_who_may_read_it(shop, other_shop, client):
    assert code(ask(QUERY)) == "UNAUTHENTICATED"
    assert code(ask(QUERY, token=bearer(shop, "recognize"))) == "FORBIDDEN"
    user = make_staff("viewer", shop, permissions=False)
    client.force_login(user)
    for codename in ("view_trainingrun", "view_product", "view_productimage"):
        assert code(ask(QUERY, client=client)) == "FORBIDDEN"
        user.user_permissions.add(Permission.objects.get(codename=codename))
        user = type(user).objects.get(pk=user.pk)
        client.force_login(user)
    assert data(ask(QUERY, client=client))
    asked = QUERY.replace("mlAdvice", f"mlAdvice(shopId: {other_shop.pk})")
    assert code(ask(asked, client=client)) == "NOT_FOUND"


def test_it_costs_the_same_however_much_there_is(shop):
    token = bearer(shop, "read")

    def queries() -> int:
        ShopTraining.objects.update(wanted=F("wanted") + 1)
        with CaptureQueriesContext(connection) as captured:
            data(ask(QUERY, token=token))
        return len(captured)

    a, b, *_ = shelf(shop, ["1.00", "2.00", "3.00", "4.00"])
    judge(shop, {(a, b): 5})
    backed(shop)
    few = queries()
    more = shelf_more(shop, 150)
    judge(shop, {(more[n], more[n + 1]): 5 for n in range(0, 148, 2)})
    assert queries() <= few + 1 <= 20
