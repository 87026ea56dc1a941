"""What people and tokens do is written down with the change itself; what a worker does is not."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from catalog.activity.rows import Activity
from catalog.models import Product, Shop
from catalog.tokens import ApiToken
from ml_training.versions.publish import ModelVersion
from tests.factories import add_photo, add_version, bearer, make_shop, make_staff, photo_bytes
from tests.support.activity import told
from tests.support.api import ask
from tests.support.pages.forms import form_fields, page_of, submit
from tests.support.training import trained, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(shop):
    return make_staff("anna", shop)


@pytest.fixture
def page(anna) -> Client:
    client = Client()
    client.force_login(anna)
    Activity.objects.all().delete()  # the login
    return client


def test_change_of_a_product_is_told_with_its_values(page, product):
    submit(page, page_of(product), name="Oat drink", price="1.20")
    submit(page, page_of(product), price="1.50")
    fields = form_fields(page.get(page_of(product)))
    del fields["is_active"]
    page.post(page_of(product), fields)
    assert told() == [
        "anna changed the product Oat drink: name from Oat milk to Oat drink; price from nothing to 1.20",
        "anna changed the product Oat drink: price from 1.20 to 1.50",
        "anna changed the product Oat drink: active from on to off",
    ]
    row = Activity.objects.first()
    assert (row.shop, row.shop_name, row.address) == (product.shop, product.shop.name, "127.0.0.1")


def test_photos_are_told_by_name_also_when_they_are_gone(page, product):
    submit(page, page_of(product), [("a.jpg", photo_bytes(0, 1)), ("b.jpg", photo_bytes(0, 2))])
    fields = form_fields(page.get(page_of(product)))
    page.post(page_of(product), fields | {"images-0-DELETE": "on"})
    page.post(reverse("admin:catalog_product_delete", args=[product.pk]), {"post": "yes"})
    assert told() == [
        "anna added 2 photos to Oat milk: a.jpg, b.jpg",
        "anna deleted the photo a.jpg of Oat milk",
        "anna deleted the product Oat milk with its photo b.jpg",
    ]


def test_moved_photo_is_told_with_both_products(page, product):
    other = Product.objects.create(shop=product.shop, sku="SOY", name="Soy milk")
    photo = add_photo(product)
    assert told() == [], "nobody acts here"
    page.post(
        reverse("admin:ml_model_move_photo"),
        {"photo": photo.pk, "product": other.pk, "shop": product.shop_id},
    )
    photo.refresh_from_db()
    assert photo.product == other
    assert told() == [f"anna moved the photo {photo} from Oat milk to Soy milk"]


def test_what_a_worker_and_a_command_do_is_nobodys_activity(shop, product):
    add_photo(product)
    product.name = "Other"
    product.save()
    call_command("reconcile")
    assert told() == []


def test_token_acts_under_its_name(shop):
    version = add_version(shop, active=False)
    ModelVersion.objects.filter(pk=version.pk).update(files={})
    ask("mutation { extractPhotosForTraining { run { status } } }", token=bearer(shop, "train"))
    row = Activity.objects.get()
    assert (str(row), row.is_token, row.shop) == ("Till had all photos checked again", True, shop)


def test_change_that_is_rolled_back_is_not_told(page, product, rf):
    from catalog.activity.actor import Actor
    from catalog.activity.rows import record

    with pytest.raises(RuntimeError), transaction.atomic():
        record(Activity.Kind.PRODUCT, "did nothing", product.shop, Actor("anna"))
        raise RuntimeError
    assert told() == []


def test_tokens_members_and_rights_are_told_without_secrets(admin_client, admin_user, shop):
    anna = make_staff("anna", shop)
    Activity.objects.all().delete()
    form = {"name": "Till 2", "shop": shop.pk, "scopes": ["read"]}
    admin_client.post(reverse("admin:catalog_apitoken_add"), form)
    token = ApiToken.objects.get()
    url = reverse("admin:auth_user_change", args=[anna.pk])
    fields = form_fields(admin_client.get(url), "user_form")
    group = Group.objects.create(name="Keepers")
    del fields["is_staff"]
    admin_client.post(url, fields | {"groups": [group.pk], "user_permissions": []})
    admin_client.post(
        reverse("admin:auth_user_password_change", args=[anna.pk]),
        {
            "password1": "a-new-secret-of-anna",
            "password2": "a-new-secret-of-anna",
            "usable_password": "true",
        },
    )
    url = reverse("admin:catalog_shop_change", args=[shop.pk])
    fields = form_fields(admin_client.get(url), "shop_form")
    admin_client.post(url, fields | {"members": []})
    text = "\n".join(told())
    assert "added the token Till 2" in text
    assert "staff status from on to off" in text
    assert "gave anna: Keepers" in text
    assert "changed the person anna: password changed" in text
    assert f"removed from the members of {shop}: anna" in text
    for secret in (token.digest, anna.password, "a-new-secret-of-anna"):
        assert secret not in text


def test_shop_and_person_can_be_deleted_and_stay_in_what_is_told(admin_client, admin_user):
    shop = make_shop("gone", 2, 1)
    person = make_staff("leaver", shop)
    Activity.objects.all().delete()
    admin_client.post(reverse("admin:catalog_shop_delete", args=[shop.pk]), {"post": "yes"})
    admin_client.post(reverse("admin:auth_user_delete", args=[person.pk]), {"post": "yes"})
    assert not Shop.objects.filter(slug="gone").exists()
    with_what = "with its 2 products gone product 0, gone product 1"
    assert f"admin deleted the shop Gone {with_what}" in told()
    assert "admin deleted the person leaver" in told()
    assert Activity.objects.exclude(shop_name="").exists()


def test_logins_are_told_and_guesses_fill_no_table(client, shop):
    user = make_staff("anna", shop)
    user.set_password("right-and-secret")
    user.save()
    login = reverse("admin:login")
    for _ in range(5):
        client.post(login, {"username": "anna\n", "password": "wrong"})
    client.post(login, {"username": "anna", "password": "right-and-secret"})
    client.post(reverse("admin:logout"))
    assert told() == [
        "anna did not log in: wrong name, password or code",
        "anna logged in",
        "anna logged out",
    ]


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_model_that_is_switched_is_told_and_training_is_not(shop, page):
    trained(shop, products=2, photos=2)
    assert told() == []
    ask("mutation { clearMlModel { changed } }", token=bearer(shop, "train"))
    ask("mutation { activateModelVersion(version: 1) { changed } }", token=bearer(shop, "train"))
    work()
    assert told() == ["Till switched the model off", "Till switched to version 1 of the model"]
