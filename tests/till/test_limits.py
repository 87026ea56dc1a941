"""Photos go when they are too many or too old; what was said and chosen stays for the figures."""

from datetime import timedelta
from functools import partial

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from ml_training.runs.reconcile import reconcile
from tests.factories import make_shop, stock
from tests.support.tills import correction, picture, send, waiting
from till import limits
from till.devices import add_till
from till.limits import KEPT_DAYS, drop_old
from till.models import Correction

pytestmark = pytest.mark.django_db


@pytest.fixture
def committing(django_capture_on_commit_callbacks):
    return partial(django_capture_on_commit_callbacks, execute=True)


def kept_files(shop) -> list[str]:
    folder = f"till/{shop.pk}"
    return storages["default"].listdir(folder)[1] if storages["default"].exists(folder) else []


def made_days_ago(row: Correction, days: float) -> None:
    Correction.objects.filter(pk=row.pk).update(received_at=timezone.now() - timedelta(days=days))


def test_oldest_photos_go_when_there_are_too_many_and_rows_stay(shop, shelf_products, settings, committing):
    settings.TILL_CORRECTIONS = 2
    rows = [waiting(shop, None, shelf_products[0]) for _ in range(4)]
    for age, row in enumerate(reversed(rows)):
        made_days_ago(row, age)
    with committing():
        drop_old()
    assert [bool(row.photo) for row in Correction.objects.order_by("pk")] == [False, False, True, True]
    assert len(kept_files(shop)) == 2


def test_device_that_sends_many_photos_loses_its_own(till, shop, shelf_products, settings, committing):
    settings.TILL_CORRECTIONS = 4
    staffs = [waiting(shop, None, shelf_products[0]) for _ in range(2)]
    for row in staffs:
        made_days_ago(row, 1)
    with committing():
        for _ in range(8):
            assert send(correction(None, shelf_products[0]), till.secret, picture()).status_code == 201
    kept = Correction.objects.exclude(photo="")
    assert {row.pk for row in staffs} < {row.pk for row in kept}
    assert [row.pk for row in kept[:2]] == [row.pk for row in Correction.objects.all()[:2]], "its newest stay"
    assert len(kept) == len(kept_files(shop)) == 4
    settings.TILL_CORRECTIONS = 0
    with committing():
        drop_old(shop)
    assert kept_files(shop) == []


def test_limit_is_each_shops_own(shop, other_shop, shelf_products, settings, committing):
    settings.TILL_CORRECTIONS = 1
    foreign = stock(other_shop, 1, 0)[0]
    for _ in range(2):
        waiting(shop, None, shelf_products[0])
        waiting(other_shop, None, foreign)
    with committing():
        drop_old(shop)
    assert (len(kept_files(shop)), len(kept_files(other_shop))) == (1, 2)
    with committing():
        drop_old()
    assert (len(kept_files(shop)), len(kept_files(other_shop))) == (1, 1)


def test_photos_of_a_month_ago_go_and_rows_of_a_year_ago(shop, shelf_products, settings, committing):
    settings.TILL_CORRECTION_DAYS = 30
    ages = (1, 29.9, 30.1, KEPT_DAYS - 1, KEPT_DAYS + 1)
    rows = [waiting(shop, shelf_products[0], shelf_products[0]) for _ in ages]
    for age, row in zip(ages, rows, strict=True):
        made_days_ago(row, age)
    with committing():
        drop_old()
    left = Correction.objects.order_by("pk")
    assert [row.pk for row in left] == [row.pk for row in rows[:4]]
    assert [bool(row.photo) for row in left] == [True, True, False, False]
    assert len(kept_files(shop)) == 2
    assert all(row.is_right for row in left)


def test_worker_removes_what_is_old_without_any_new_correction(shop, shelf_products, committing):
    made_days_ago(waiting(shop, None, shelf_products[0]), 31)
    with committing():
        reconcile()
    assert not Correction.objects.get().photo
    assert kept_files(shop) == []


def test_new_correction_makes_room_at_once(till, shop, shelf_products, settings, committing):
    settings.TILL_CORRECTIONS = 1
    with committing():
        for _ in range(3):
            assert send(correction(None, shelf_products[0]), till.secret, picture()).status_code == 201
    assert len(kept_files(shop)) == 1
    assert Correction.objects.count() == 3


def test_files_of_deleted_rows_go_once_that_is_final(shop, shelf_products, committing):
    row = waiting(shop, None, shelf_products[0])
    with committing() as callbacks:
        row.delete()
        assert len(kept_files(shop)) == 1, "the deletion may still be rolled back"
    assert callbacks
    assert kept_files(shop) == []


def test_files_go_with_their_shop(committing):
    shop = make_shop("closing", products=1)
    waiting(shop, None, shop.products.get())
    with committing():
        shop.delete()
    assert kept_files(shop) == []
    assert not Correction.objects.exists()


def test_nothing_to_remove_costs_few_queries(shop, shelf_products, django_assert_max_num_queries):
    for _ in range(5):
        waiting(shop, None, shelf_products[0])
    with django_assert_max_num_queries(4):
        drop_old()


def test_a_device_that_floods_is_told_to_come_again_tomorrow_and_holds_up_no_other(
    till, shop, shelf_products, monkeypatch
):
    monkeypatch.setattr(limits, "MOST_A_DAY", 2)
    said, chosen, _ = shelf_products
    fields = correction(said, chosen)
    assert send(fields, till.secret).status_code == 201
    assert send(correction(said, chosen), till.secret).status_code == 201
    refused = send(correction(said, chosen), till.secret, b"no photo, and nobody looks")
    assert refused.status_code == 503  # the page sends it again later
    assert "will send the others tomorrow" in refused.json()["errors"][0]["message"]
    assert send(fields, till.secret).status_code == 200
    assert send(correction(said, chosen), add_till(shop, "Other")[1]).status_code == 201
    made_days_ago(Correction.objects.get(key=fields["key"]), 1.1)
    assert send(correction(said, chosen), till.secret).status_code == 201
