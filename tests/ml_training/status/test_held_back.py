"""A version that was held back: the card of the status leads to it, and to the photos to look at."""

import json
import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from catalog.models import Product, ProductImage
from ml_training.gate.judge import find_regressions
from ml_training.models import ModelVersion, TrainingRun
from ml_training.status.shop import training_info
from ml_training.versions import activate
from tests.factories import add_photo, make_staff, serve
from tests.support.pages.sections import URL, ask, html_of
from tests.support.training import active_version

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:ml_model")
OLD, NEW = 20, 10  # photos


@pytest.fixture
def products(shop) -> list[Product]:
    """Lemon and Lime with many photos, of which the newest of Lemon mislead the newest version."""
    return [Product.objects.create(shop=shop, sku=name, name=name) for name in ("Lemon", "Lime")]


def photos(product: Product, count: int, start: int = 0) -> list[ProductImage]:
    return ProductImage.objects.bulk_create(
        ProductImage(
            product=product,
            image="a.jpg",
            filename="IMG.jpg",
            sha256=f"{product.pk:032}{n:032}",
            width=9,
            height=9,
        )
        for n in range(start, start + count)
    )


@pytest.fixture
def fresh(shop, products) -> list[ProductImage]:
    """The photos to blame; version 1 serves, version 2 was held back."""
    lemon, lime = products
    old = {p: [str(photo.pk) for photo in photos(p, OLD)] for p in products}
    judged = {pk: [p.pk, p.pk] for p in products for pk in old[p]}
    active = serve(shop, cross_validated=judged)
    new = photos(lemon, NEW, start=OLD)
    after = judged | {str(photo.pk): [lemon.pk, lemon.pk] for photo in new}
    after |= {pk: [lime.pk, lemon.pk] for pk in old[lime][:15]}
    version = ModelVersion(
        shop=shop,
        number=2,
        run=TrainingRun.objects.create(shop=shop, status="completed"),
        backbone="b",
        folder="f",
        files=active.files,
        products=2,
        photos=50,
        cross_validated=after,
    )
    version.held_back = find_regressions(active, version)
    version.save()
    return new


def leads(html: str) -> str:
    """What the card says below the sentence that gives the reason."""
    (inside,) = re.findall(r'data-ml="held-back"[^>]*>(.*?)</div>', html, flags=re.DOTALL)
    return inside.strip()


def test_card_leads_to_the_version_and_to_the_photos_that_the_sentence_names(
    shop, products, fresh, staff_client
):
    info = training_info(shop)
    assert info.held_back == 2
    assert info.message.endswith("IMG.jpg, IMG.jpg, IMG.jpg and 7 more.")
    for html in (staff_client.get(PAGE).content.decode(), html_of(staff_client, "status")):
        form = reverse("admin:catalog_product_change", args=[products[0].pk])
        places = [html.find(f'"{form}#photo-{photo.pk}"') for photo in reversed(fresh)]
        assert -1 not in places[:8]
        assert places[:8] == sorted(places[:8])
        assert places[8:] == [-1, -1]
        assert 'href="#ml-version-2"' in html
        assert "2 more photos came or were moved there." in html
    html = staff_client.get(PAGE).content.decode()
    assert 'id="ml-version-2"' in html


def test_photo_that_is_led_to_is_marked_by_its_place_in_the_form(products, staff_client):
    photo = add_photo(products[0])
    html = staff_client.get(reverse("admin:catalog_product_change", args=[products[0].pk])).content.decode()
    assert f'id="photo-{photo.pk}"' in html


def test_photo_that_was_moved_is_looked_for_where_it_is_now(products, fresh, staff_client):
    ProductImage.objects.filter(pk=fresh[-1].pk).update(product=products[1])
    ProductImage.objects.filter(pk=fresh[-2].pk).delete()
    TrainingRun.objects.filter(status="queued").delete()  # it would end this state
    html = html_of(staff_client, "status")
    form = reverse("admin:catalog_product_change", args=[products[1].pk])
    assert f'"{form}#photo-{fresh[-1].pk}"' in html
    assert f"#photo-{fresh[-2].pk}" not in html


def test_card_is_empty_where_nothing_was_held_back_for_what_serves(shop, fresh, staff_client):
    second = ModelVersion.objects.get(shop=shop, number=2)
    serve(shop, cross_validated={})
    assert active_version(shop).number == 3
    assert "#ml-version-2" not in html_of(staff_client, "status")
    assert training_info(shop).held_back is None
    second.held_back = ""
    second.save()
    assert leads(html_of(staff_client, "status")) == ""


def test_card_is_empty_while_a_run_waits(shop, fresh, staff_client):
    TrainingRun.objects.create(shop=shop, status="queued")
    assert leads(html_of(staff_client, "status")) == ""


def test_version_that_was_not_compared_blames_no_photo(shop, fresh, staff_client):
    ModelVersion.objects.filter(number=2).update(held_back="It was made while another version took over.")
    html = html_of(staff_client, "status")
    assert "#ml-version-2" in html
    assert "#photo-" not in html


def test_nobody_is_shown_more_than_they_may_see(shop, fresh, client):
    assert ask(client, "status").status_code == 302
    user = make_staff("viewer", shop, permissions=False)
    client.force_login(user)
    assert ask(client, "status").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_trainingrun"))
    html = html_of(client, "status")
    assert "#photo-" not in html
    assert "#ml-version-2" not in html
    assert ask(client, "status", shop="other").status_code == 404
    assert client.post(URL).status_code == 405


def test_pushes_say_which_version_was_held_back(shop, fresh):
    assert json.loads(json.dumps(training_info(shop).as_json()))["held_back"] == 2
    assert activate.deactivate(shop)
    assert training_info(shop).held_back is None
