"""What to do next: products wanting photos, pairs and their price, what to photograph next."""

import hashlib
import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Product, ProductImage
from ml_training.advice.product import product_advice
from ml_training.advice.shop import shop_advice
from ml_training.models import ModelVersion, ShopTraining
from ml_training.storage import storage
from tests.factories import add_photo, backed, judge, make_staff, serve, shelf, shelf_more
from tests.support.pages.sections import URL, ask, html_of

pytestmark = pytest.mark.django_db
EVIL = '<b>&"\x0b\u2028'


# --- Money -----------------------------------------------------------------------------------------


def test_loss_is_share_times_difference_of_prices_over_a_thousand_scans(shop):
    a, b, c, _ = shelf(shop, ["2.00", "3.50", "1.00", "1.00"])
    judge(shop, {(a, b): 2, (b, a): 1, (c, a): 1})
    advice = shop_advice(shop)
    # Each of four products is scanned 250 times: 250 x 0.3 x 1.50, and 250 x 0.1 x 1.00.
    first, second = advice.mix_ups
    assert round(first.loss, 6) == Decimal("112.5")
    assert first.shares == (0.2, 0.1)
    assert (first.first.name, first.second.name) == ("Conference", "Anjou")
    assert round(second.loss, 6) == 25
    assert round(advice.loss, 6) == Decimal("137.5")
    assert advice.unpriced == 0


def test_pairs_are_ranked_by_loss_then_unknown_then_harmless(shop):
    a, b, c, d = shelf(shop, ["2.00", "2.00", None, "9.00"])
    judge(shop, {(a, b): 8, (a, d): 1, (b, c): 3})
    pairs = shop_advice(shop).mix_ups
    assert [{pair.first.name, pair.second.name} for pair in pairs] == [
        {"Conference", "Kiwi"},
        {"Anjou", "Lime"},
        {"Conference", "Anjou"},
    ]
    assert [pair.words for pair in pairs][1:] == ["not known: a price is missing", "none: same price"]
    assert shop_advice(shop).unpriced == 1


def test_without_any_price_pairs_are_ranked_by_frequency_and_no_loss_is_said(shop):
    a, b, c, _ = shelf(shop, [None] * 4)
    judge(shop, {(a, b): 1, (b, c): 5})
    advice = shop_advice(shop)
    assert advice.loss is None
    assert [pair.shares[0] for pair in advice.mix_ups] == [0.5, 0.1]


def test_new_price_counts_at_once(shop):
    a, b, *_ = shelf(shop, ["1.00", "2.00"])
    judge(shop, {(a, b): 5})
    before = shop_advice(shop).loss
    Product.objects.filter(pk=b.pk).update(price=Decimal("3.00"))
    assert shop_advice(shop).loss == 2 * before


# --- Products and photos ---------------------------------------------------------------------------


def test_worst_product_and_the_one_without_photos_come_first(shop):
    a, b, *_ = shelf(shop, [None] * 4)
    empty = Product.objects.create(shop=shop, sku="new", name="New")
    judge(shop, {(a, b): 7})
    advice = shop_advice(shop)
    assert [prospect.product.pk for prospect in advice.next[:2]] == [empty.pk, a.pk]
    assert advice.next[1].words.startswith("about ")
    assert "of 100 photos of Conference right" in advice.next[1].words
    assert [product.pk for product in advice.wanting] == [empty.pk]
    assert len(advice.next) <= 5


def test_page_and_form_promise_the_same_gain(shop):
    """Also for products that were never tried, or have other photos than were tried."""
    a, b, *_ = shelf(shop, [None] * 4)
    judge(shop, {(a, b): 7})
    new = Product.objects.create(shop=shop, sku="new", name="New")
    for product in (a, new):
        add_photo(product)
    by_product = {prospect.product.pk: prospect.expected_gain for prospect in shop_advice(shop).next}
    assert {a.pk, new.pk} <= by_product.keys()
    for product in (a, new):
        assert round(product_advice(product).gain, 4) == by_product[product.pk]


def test_mistaken_photos_stand_beside_what_they_were_taken_for(shop):
    a, b, *_ = shelf(shop, [None] * 3)
    judge(shop, {(a, b): 5})
    (pair,) = shop_advice(shop).mix_ups
    assert [photo.filename for photo in pair.misclassified[0]] == ["0-0.jpg", "0-1.jpg", "0-2.jpg"]
    assert pair.second.cover.filename == "1-0.jpg"


def test_what_is_gone_or_switched_off_is_not_spoken_of(shop):
    a, b, c, d = shelf(shop, ["1.00", "2.00", "3.00", "4.00"])
    judge(shop, {(a, b): 5, (c, d): 5})
    b.delete()
    Product.objects.filter(pk=d.pk).update(is_active=False)
    ShopTraining.objects.update(wanted=10**6)
    advice = shop_advice(shop)
    assert advice.mix_ups == []
    assert advice.loss == 0
    assert advice.products == 2


def test_version_that_does_not_say_what_it_tried_gives_its_shares(shop):
    a, b, *_ = shelf(shop, ["1.00", "2.00"])
    metrics = {"accuracy_by_product": {"0": 0.6, "1": 1.0}, "mix_ups": [[0, 1, 0.4]]}
    version = serve(shop, cross_validated={}, metrics=metrics)
    store(version, f'{{"labels": [{{"id": {a.pk}}}, {{"id": {b.pk}}}]}}'.encode())
    (pair,) = shop_advice(shop).mix_ups
    assert pair.shares == (0.4, 0.0)
    assert pair.misclassified == ([], [])
    assert product_advice(a).accuracy == pytest.approx(0.75)  # (6 + 30 × 0.8) of 40


def store(version: ModelVersion, metadata: bytes) -> None:
    version.files["metadata"]["sha256"] = hashlib.sha256(metadata).hexdigest()
    version.save()
    storage().save(f"{version.folder}/metadata", ContentFile(metadata))


@pytest.mark.parametrize(
    "metrics", [{}, {"accuracy_by_product": {"7": 0.5}}, {"accuracy_by_product": 3}, {"mix_ups": "x"}]
)
def test_version_of_long_ago_or_of_elsewhere_says_nothing_and_breaks_nothing(shop, staff_client, metrics):
    shelf(shop, [None, None])
    version = serve(shop, cross_validated={}, metrics=metrics)
    store(version, b'{"labels": [{"id": 1}]}')
    assert not shop_advice(shop).is_tried
    assert staff_client.get(reverse("admin:ml_model")).status_code == 200


def test_product_form_says_how_well_it_is_recognised(shop, staff_client):
    a, b, *_ = shelf(shop, [None] * 3)
    judge(shop, {(a, b): 4})
    html = staff_client.get(reverse("admin:catalog_product_change", args=[a.pk])).content.decode()
    assert "How well it is recognised" in html
    assert "80 of 100" in html
    assert "Anjou</a> (40 of 100)" in html
    assert "more of 100" in html


def test_product_form_marks_suspect_photos_and_is_silent_without_the_right(shop, staff_client, client):
    a, b, *_ = shelf(shop, [None] * 3)
    same = ProductImage.objects.filter(product=a).first()
    ProductImage.objects.filter(product=b, filename="1-3.jpg").update(sha256=same.sha256)
    judge(shop, {})
    backed(shop)
    page = reverse("admin:catalog_product_change", args=[a.pk])
    html = staff_client.get(page).content.decode()
    assert html.count('class="photo-mark"') == 1
    assert "Nearly the same picture is on Anjou too: 1-3.jpg" in html
    junior = make_staff("junior", shop, permissions=False)
    names = ["view_product", "change_product", "view_productimage", "change_productimage"]
    junior.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(junior)
    html = client.get(page).content.decode()
    assert "photo-mark" not in html
    assert "How well it is recognised" not in html
    assert "0-3.jpg" in html


# --- The page --------------------------------------------------------------------------------------

SECTIONS = {"advice": "What to do next", "charts": "How good it is"}


@pytest.mark.parametrize("name", SECTIONS)
def test_sections_are_for_those_who_see_training_and_products(shop, other_shop, client, name):
    assert ask(client, name).status_code == 302
    user = make_staff("viewer", shop, permissions=False)
    client.force_login(user)
    assert ask(client, name).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_trainingrun"))
    assert html_of(client, name) == ""
    assert SECTIONS[name] not in client.get(reverse("admin:ml_model")).content.decode()
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_product", "view_productimage"]))
    assert SECTIONS[name] in html_of(client, name)
    assert ask(client, name, shop="other").status_code == 404
    assert client.post(f"{URL}?section={name}").status_code == 405


def test_page_has_both_sections_by_the_names_that_are_asked_for(shop, staff_client):
    html = staff_client.get(reverse("admin:ml_model")).content.decode()
    for name in SECTIONS:
        assert f'id="ml-{name}" data-ml-section="{name}"' in html
    assert "Nothing yet: add products and photos first." in html
    assert "Nothing is known yet." in html


def test_names_are_text_in_both_sections_and_charts_stay_well_formed(shop, staff_client):
    a, b, *_ = shelf(shop, ["1.00", "2.00"], names=(EVIL + "1", EVIL + "2"))
    judge(shop, {(a, b): 5}, reliability=[[0.5, 0.6, 10], [0.9, 0.8, 40], [0.0, 0.0, 0]])
    for name in SECTIONS:
        html = html_of(staff_client, name)
        assert "<b>&" not in html
        assert "<script" not in html
        assert " style=" not in html
    svgs = html.split("<svg")[1:]
    assert len(svgs) == 4
    for svg in svgs:
        ET.fromstring("<svg" + svg.split("</svg>")[0] + "</svg>")  # noqa: S314 (it is our own)


def test_pages_cost_the_same_however_much_there_is(shop, staff_client):
    def costs() -> list[int]:
        found = []
        for url in [
            *(f"{URL}?section={name}" for name in SECTIONS),
            reverse("admin:catalog_product_change", args=[a.pk]),
        ]:
            ShopTraining.objects.update(wanted=F("wanted") + 1)
            with CaptureQueriesContext(connection) as captured:
                html = staff_client.get(url).content
            found.append(len(captured))
            assert len(html) < 200_000
        return found

    a, b, *_ = shelf(shop, ["1.00", "2.00", "3.00", "4.00"])
    judge(shop, {(a, b): 5})
    backed(shop)
    few = costs()
    more = shelf_more(shop, 150)
    judge(shop, {(a, b): 5, **{(more[n], more[n + 1]): 5 for n in range(0, 148, 2)}})
    many = costs()
    assert all(after <= before + 1 for before, after in zip(few, many, strict=True)), (few, many)
    assert max(many) <= 30
