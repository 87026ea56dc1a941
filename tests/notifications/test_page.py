"""What the script of Settings > ML Model asks the server for, and what the page offers it."""

from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission

from catalog.models import Product
from ml_training.models import TrainingRun
from notifications.signal_handlers import tell_staff
from tests.factories import add_photo, event, make_staff
from tests.support.pages.sections import ALL, URL

PAGE = "/admin/settings/ml-model/"
SECTIONS = f"{URL}?{urlencode({'section': ALL}, doseq=True)}"
PREPARE = "/admin/settings/ml-model/prepare/"


def fill(shop, start: int, products: int, photos: int, runs: int) -> None:
    for number in range(start, start + products):
        product = Product.objects.create(shop=shop, sku=f"S-{number}", name=f"Product {number}")
        for seed in range(photos):
            add_photo(product, number, seed)
    for number in range(runs):
        run = TrainingRun.objects.create(shop=shop, status="failed", error=f"Failure {start} {number}")
        tell_staff(event(shop, run_id=run.pk))


@pytest.mark.parametrize("address", [PAGE, SECTIONS])
def test_queries_do_not_grow_with_products_photos_runs_and_notifications(
    shop, staff_client, address, django_assert_max_num_queries, django_assert_num_queries
):
    fill(shop, 0, products=1, photos=1, runs=1)
    with django_assert_max_num_queries(30) as queries:
        staff_client.get(address)
    fill(shop, 10, products=5, photos=4, runs=15)
    with django_assert_num_queries(len(queries)):
        staff_client.get(address)


@pytest.mark.parametrize("address", [f"{PAGE}?", f"{SECTIONS}&"])
def test_another_shop_is_not_found(shop, other_shop, staff_client, address):
    assert staff_client.get(f"{address}shop={other_shop.slug}").status_code == 404
    assert staff_client.get(f"{address}shop=nonsense").status_code == 404
    assert staff_client.post(f"{PREPARE}?shop={other_shop.slug}").status_code == 404
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize("address", [PAGE, SECTIONS, PREPARE])
def test_who_is_not_logged_in_is_sent_to_the_login(shop, client, address):
    response = client.post(address) if address == PREPARE else client.get(address)
    assert response.status_code == 302
    assert "/login/" in response["Location"]


def test_staff_who_may_only_look_get_no_button_and_cannot_prepare(shop, client):
    user = make_staff("looker", shop, permissions=False)
    user.user_permissions.add(Permission.objects.get(codename="view_trainingrun"))
    client.force_login(user)
    content = client.get(PAGE).content.decode()
    assert 'data-ml="status"' in content
    assert 'data-ml="prepare"' not in content
    assert client.post(PREPARE).status_code == 403
    assert not TrainingRun.objects.exists()


def test_prepare_must_be_posted_and_answers_a_form_and_a_script(shop, staff_client):
    assert staff_client.get(PREPARE).status_code == 302
    answer = staff_client.post(PREPARE, headers={"accept": "application/json"})
    assert "checked again" in answer.json()["message"]
    answer = staff_client.post(PREPARE, follow=True)
    assert answer.redirect_chain == [(f"{PAGE}?shop={shop.slug}", 302)]
    assert "checked again" in answer.content.decode()
    assert TrainingRun.objects.filter(shop=shop, fresh=True).count() == 1


def test_the_page_has_every_hook_that_scripts_and_tests_hold_on_to(shop, staff_client):
    content = staff_client.get(PAGE).content.decode()
    hooks = "status progress phase products photos last-trained error asset-model-json asset-weights"
    for name in [*hooks.split(), "asset-metadata", "asset-onnx", "prepare", "refresh", "history"]:
        assert f'data-ml="{name}"' in content
    for attribute in ("data-status", "data-bell", "data-unread"):
        assert attribute in content


def test_a_strict_policy_comes_with_the_page_and_it_is_not_kept(shop, staff_client):
    response = staff_client.get(PAGE)
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "no-store" in response["Cache-Control"]
