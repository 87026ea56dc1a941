"""Photos are moved in the product form: marked, a product named, saved. What is wrong loses nothing."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from catalog.models import Product, ProductImage
from tests.factories import add_photo, make_staff, photo_bytes
from tests.support.pages.forms import form_fields, page_of, said, submit
from tests.support.training import last_run, statuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def target(shop) -> Product:
    return Product.objects.create(shop=shop, sku="LIME", name="Lime")


@pytest.fixture
def photos(product) -> list[ProductImage]:
    return [add_photo(product, seed=seed) for seed in range(3)]


def names(product: Product) -> list[str]:
    return [photo.filename for photo in product.images.all()]


@pytest.mark.parametrize("named", ["LIME", "Lime", " lime "])
def test_marked_photos_go_to_the_product_that_is_named(staff_client, shop, product, photos, target, named):
    last_run(shop).delete()
    response = submit(
        staff_client, page_of(product), **{"images-0-move": "on", "images-2-move": "on", "move_to": named}
    )
    assert response.status_code == 302
    assert (names(product), names(target)) == (["photo-0-1.jpg"], ["photo-0-0.jpg", "photo-0-2.jpg"])
    (text,) = [text for text in said(response) if "moved" in text]
    assert text.startswith("2 photos moved to <a href=")
    assert text.endswith("The recogniser is learning.")
    assert statuses(shop) == ["queued"]
    assert last_run(shop).trigger == [{"kind": "photo_moved", "product": "Lime", "count": 2}]


def test_rest_of_the_form_is_saved_with_it(staff_client, product, photos, target):
    changes = {"images-0-move": "on", "move_to": "LIME", "images-1-DELETE": "on", "name": "Oat drink"}
    submit(staff_client, page_of(product), [("new.jpg", photo_bytes(5))], **changes)
    product.refresh_from_db()
    assert product.name == "Oat drink"
    assert names(target) == ["photo-0-0.jpg"]
    assert set(names(product)) == {"photo-0-2.jpg", "new.jpg"}


def test_form_offers_the_shops_other_products(staff_client, staff, product, photos, target, other_shop):
    Product.objects.create(shop=other_shop, sku="THEIRS", name="Theirs")
    other_shop.members.add(staff)
    html = staff_client.get(page_of(product)).content.decode()
    assert '<option value="LIME">Lime</option>' in html
    assert html.count('name="images-0-move"') == 1
    assert '<option value="OAT">' not in html
    assert "THEIRS" not in html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images-0-move": "on"}, "Say which product the marked photos shall be moved to."),
        ({"move_to": "LIME"}, "Mark the photos that shall be moved to Lime."),
        ({"images-0-move": "on", "move_to": "Nobody"}, "No other product of this shop has this SKU or name."),
        ({"images-0-move": "on", "move_to": "OAT"}, "No other product of this shop has this SKU or name."),
        ({"images-0-move": "on", "move_to": "THEIRS"}, "No other product of this shop has this SKU or name."),
        ({"images-0-move": "on", "move_to": "Twin"}, "Several products have this name. Enter the SKU."),
        ({"images-0-move": "on", "images-0-DELETE": "on", "move_to": "LIME"}, "moved and to be deleted"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_lost(
    staff_client, shop, other_shop, product, photos, target, changes, words
):
    for number, where in enumerate([shop, shop, other_shop]):
        Product.objects.create(shop=where, sku=f"T{number}", name="Twin")
    Product.objects.create(shop=other_shop, sku="THEIRS", name="Theirs")
    response = submit(staff_client, page_of(product), name="Typed", **changes)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert (changes | {"name": "Typed"}).items() <= form_fields(response).items()
    assert list(product.images.all()) == photos


def test_photo_that_the_product_has_already_is_refused_and_the_marks_stay(
    staff_client, product, photos, target
):
    add_photo(target, 0, 1)
    changes = {"images-0-move": "on", "images-1-move": "on", "move_to": "LIME"}
    response = submit(staff_client, page_of(product), **changes)
    assert (
        "photo-0-1.jpg: Lime already has this photo. Delete it here instead of moving it."
        in response.content.decode()
    )
    assert changes.items() <= form_fields(response).items()
    assert list(product.images.all()) == photos


def test_history_of_both_products_tells_of_it(staff_client, product, photos, target):
    submit(staff_client, page_of(product), **{"images-0-move": "on", "move_to": "LIME"})
    texts = {entry.object_id: entry.get_change_message() for entry in LogEntry.objects.all()}
    assert texts[str(target.pk)] == "Got 1 photo from Oat milk."
    assert "Changed Product for photo “photo-0-0.jpg”" in texts[str(product.pk)]


def test_whoever_may_not_change_photos_moves_none(client, shop, product, photos, target):
    user = make_staff("clerk", shop, permissions=False)
    codenames = ["view_product", "change_product", "view_productimage"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    html = client.get(page_of(product)).content.decode()
    assert "photo-0-0.jpg" in html
    assert "move_to" not in html
    assert "-move" not in html
    for typed in ({"images-0-move": "on", "move_to": "LIME"}, {"images-0-DELETE": "on"}):
        response = submit(client, page_of(product), **typed)
        assert response.status_code == 403
        assert "nothing was saved" in response.text
    assert list(product.images.all()) == photos


def test_product_without_photos_and_new_product_ask_nothing(staff_client, product):
    for page in (page_of(product), "/admin/catalog/product/add/"):
        assert "move_to" not in staff_client.get(page).content.decode()
