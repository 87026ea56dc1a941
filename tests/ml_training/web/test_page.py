"""The page Settings > ML Model: who may see it, what it shows, and what it must not offer."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Product, Shop
from ml_training.models import ModelVersion, TrainingRun
from ml_training.runs import lifecycle, queue
from ml_training.runs.complete import complete
from tests.factories import choose, make_staff
from tests.support.training import claimed, queued_run, statuses, trained

URL = "/admin/settings/ml-model/"
ADDED = queue.Change("photo_added", "Oat milk")


def read(client, **query) -> str:
    response = client.get(URL, query)
    assert response.status_code == 200
    return response.content.decode()


def badge(html: str) -> tuple[str, str]:
    """The status attribute of the page's one badge, and its words."""
    (found,) = re.findall(r'<[^>]*data-ml="status"[^>]*data-status="(\w*)"[^>]*>([^<]*)<', html)
    return found


def a_version(run) -> ModelVersion:
    return ModelVersion(
        shop_id=run.shop_id, number=1, run=run, backbone="b", folder="f", files=FILES, products=2, photos=4
    )


FILES = {
    kind: {"name": name, "sha256": "0" * 64, "bytes": 1000}
    for kind, name in [
        ("model_json", "model.json"),
        ("weights", "weights.safetensors"),
        ("metadata", "metadata.json"),
        ("onnx", "model.onnx"),
    ]
}


# --- Who may see it --------------------------------------------------------------------------------


def test_address_is_the_one_that_is_documented():
    assert reverse("admin:ml_model") == URL


def test_whoever_is_not_logged_in_is_sent_to_the_login(client, db):
    response = client.get(URL)
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_staff_without_the_permission_are_refused(client, shop):
    client.force_login(make_staff("junior", shop, permissions=False))
    assert client.get(URL).status_code == 403


def test_user_who_is_no_staff_is_refused_whatever_permissions_there_are(client, shop, django_user_model):
    user = django_user_model.objects.create_user("customer")
    user.user_permissions.set(Permission.objects.all())
    shop.members.add(user)
    client.force_login(user)
    assert client.get(URL).status_code == 302


@pytest.mark.parametrize("slug", ["other", "nowhere"])
def test_another_shop_is_not_found(staff_client, other_shop, slug):
    assert staff_client.get(URL, {"shop": slug}).status_code == 404


def test_superuser_sees_every_shop(admin_client, shop, other_shop):
    claimed(other_shop)
    assert badge(read(admin_client, shop="other"))[0] == "training"
    assert badge(read(admin_client, shop=shop.slug))[0] == "idle"


def test_member_of_several_shops_chooses_and_of_one_never_sees_the_word(staff, staff_client, other_shop):
    assert "ml-shops" not in read(staff_client)
    other_shop.members.add(staff)
    claimed(other_shop)
    assert "?shop=other" in read(staff_client)
    assert badge(read(staff_client, shop="other"))[0] == "training"


def test_member_of_no_shop_is_told_so(client, db):
    client.force_login(make_staff("newcomer"))
    assert "not a member of any shop" in read(client)


def test_admin_index_links_to_the_page_for_those_who_may_see_it(staff_client, client, shop):
    assert URL in staff_client.get(reverse("admin:index")).content.decode()
    client.force_login(make_staff("junior", shop, permissions=False))
    assert URL not in client.get(reverse("admin:index")).content.decode()


# --- What it shows ---------------------------------------------------------------------------------


def test_new_shop_is_idle_and_told_how_to_begin(staff_client):
    html = read(staff_client)
    assert badge(html) == ("idle", "Idle")
    assert "Add photos of at least two products" in html


def test_badge_follows_the_shop_through_its_states(shop, staff_client):
    queue.request_training(shop.pk, ADDED)
    assert badge(read(staff_client)) == ("queued", "Queued")
    run = lifecycle.claim(queued_run(shop).pk)
    assert badge(read(staff_client)) == ("training", "Training")
    complete(run, a_version(run))
    assert badge(read(staff_client)) == ("active", "Active")
    lifecycle.fail(claimed(shop), "The disk is full.")
    html = read(staff_client)
    assert badge(html) == ("failed", "Failed")
    assert "The disk is full." in html


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_page_shows_counts_files_and_what_was_set_aside(shop, staff_client):
    version = trained(shop, products=3, photos=2)
    aside = {"photo": 1, "filename": "blurred.jpg", "product": shop.products.first().pk, "sku": "default-0"}
    TrainingRun.objects.update(set_aside=[aside | {"reason": "The file is cut off."}])
    html = read(staff_client)
    for name, count in (("products", 3), ("photos", 6)):
        assert re.search(rf'data-ml="{name}">\s*{count}\s*<', html)
    assert html.count('data-present="true"') == 5
    for file in version.files.values():
        url = reverse("model-file", args=[version.pk, file["sha256"], file["name"]])
        assert url in html
        assert staff_client.get(url).status_code == 200
    assert "blurred.jpg" in html
    assert "The file is cut off." in html


def test_names_that_people_gave_are_text_and_never_markup(shop, staff_client):
    evil = "<script>alert(1)</script>"
    run = lifecycle.claim(queue.request_training(shop.pk, queue.Change("photo_added", evil)).pk)
    run.set_aside = [{"photo": 1, "filename": evil, "product": 1, "sku": evil, "reason": evil}]
    lifecycle.fail(run, evil)
    html = read(staff_client)
    assert evil not in html
    assert "&lt;script&gt;alert(1)" in html


def test_there_is_no_button_or_link_to_start_training_anywhere(shop, staff_client):
    Product.objects.create(shop=shop, sku="a", name="A")
    pages = [
        URL,
        *map(reverse, ("admin:index", "admin:catalog_product_changelist", "admin:catalog_product_add")),
    ]
    for page in pages:
        html = staff_client.get(page).content.decode().lower()
        assert not re.search(r"(start|begin|run|launch)(ing)?\s+(a\s+|the\s+)?(training|retrain)", html), page
        assert "train now" not in html, page


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_page_only_shows(staff_client, shop, method):
    assert getattr(staff_client, method)(URL).status_code == 405
    assert statuses(shop) == []


def test_number_of_queries_is_the_same_however_much_there_is(shop, staff_client):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            read(staff_client)
        return len(captured)

    run = claimed(shop)
    complete(run, a_version(run))
    Product.objects.create(shop=shop, sku="first", name="First")
    queries()  # works out what there is to find; it is kept from then on
    few = queries()
    for number in range(30):
        Product.objects.create(shop=shop, sku=f"{number}", name=f"{number}")
    trigger = [{"kind": "photo_added", "product": "Oat milk", "count": 1}]
    aside = [{"photo": 1, "filename": "a.jpg", "product": 1, "sku": "x", "reason": "Cut off."}] * 30
    TrainingRun.objects.bulk_create(
        TrainingRun(shop=shop, status="completed", trigger=trigger, set_aside=aside) for _ in range(30)
    )
    Shop.objects.create(name="Elsewhere", slug="elsewhere")
    assert queries() == few <= 25


def test_figures_are_explained_where_they_stand(shop, staff_client):
    """In words that need no mouse; with the share that this shop has chosen."""
    choose(shop, names_wrong_choice="0.01")
    html = read(staff_client)
    assert "estimates for photos that the shop has not seen" in html
    assert "of 100 names that it gives, at most 1 should be wrong" in html
    assert re.search(r'data-ml="coverage-missing">It starts to give single answers once at least 4', html)
    queue.request_training(shop.pk, ADDED)
    run = lifecycle.claim(queued_run(shop).pk)
    version = a_version(run)
    version.metrics = {"coverage": {"0.01,0.05": 0.25}}
    complete(run, version)
    html = read(staff_client)
    assert '<dd data-ml="coverage">25 of 100</dd>' in html
    version.metrics = {"coverage": {"0.01,0.05": 0.0}}
    version.save()
    assert 'data-ml="coverage-nothing" hidden' in html
    html = read(staff_client)
    assert '<dd data-ml="coverage">0 of 100</dd>' in html
    assert 'data-ml="coverage-nothing">More photos make it surer' in html
    assert 'data-ml="coverage-missing" hidden' in html
