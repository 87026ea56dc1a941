"""How often the tills were right, as people tapped, beside the estimate on the ML Model page."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import stock
from till.figures import DAYS, MIN_ANSWERS, observed_in_words
from till.models import Correction

pytestmark = pytest.mark.django_db


def answers(shop, right: int, wrong: int, found: int = 0) -> None:
    said, other = shop.products.all()[:2]
    rows = [(said, said, True)] * right + [(said, other, False)] * wrong + [(None, other, None)] * found
    Correction.objects.bulk_create(
        Correction(
            shop=shop, key=uuid.uuid4(), said=said, chosen=chosen, is_right=is_right,
            answer="NAMED" if said else "",
        )
        for said, chosen, is_right in rows
    )  # fmt: skip


def test_nothing_is_said_before_anybody_tapped(shop, other_shop):
    stock(other_shop, 2, 0)
    stock(shop, 2, 0)
    answers(other_shop, 50, 0)
    answers(shop, 0, 0, found=5)
    assert observed_in_words(shop) == ""


def test_few_answers_are_too_early_to_tell(shop):
    stock(shop, 2, 0)
    answers(shop, MIN_ANSWERS - 2, 1)
    assert observed_in_words(shop).endswith(f"{MIN_ANSWERS - 1} answers at the till: too early to tell.")


def test_share_counts_what_was_answered_and_not_what_was_searched(shop):
    stock(shop, 2, 0)
    answers(shop, 24, 1, found=30)
    assert observed_in_words(shop) == "In the last 30 days 25 answers at the till, 96 of 100 right at first."


def test_figure_is_never_rounded_up_to_all(shop):
    stock(shop, 2, 0)
    answers(shop, 999, 1)
    assert observed_in_words(shop).endswith("1000 answers at the till, 99 of 100 right at first.")


def test_old_answers_do_not_count(shop):
    stock(shop, 2, 0)
    answers(shop, 30, 0)
    Correction.objects.update(received_at=timezone.now() - timedelta(days=DAYS, minutes=1))
    assert observed_in_words(shop) == ""


def test_page_says_it_beside_the_estimate(staff_client, shop):
    stock(shop, 2, 0)
    answers(shop, 24, 1)
    assert "96 of 100 right at first" in staff_client.get(reverse("admin:ml_model")).text
