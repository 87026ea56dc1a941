"""Several people do things to the same rows at the same moment: no fault, nothing lost, no file left."""

import contextlib
import random
import threading
import uuid
from functools import partial

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection

from catalog.models import Product, ProductImage
from catalog.moving import MoveRefused, move_photos
from catalog.photos.orphans import photos_in_use, walk
from tests.factories import add_photo, make_staff, photo_bytes
from tests.support.pages.forms import form_fields, page_of
from tests.support.running.victim import ROUNDS, SEED, cookie_of
from tests.support.running.visitors import Browser, at_once
from tests.support.tills import correction, picture
from till.devices import add_till
from till.models import Correction

ANSWERS = {200, 302, 403, 404}
PHOTOS = 3


def all_photos_have_files() -> bool:
    names = {name for name in walk(default_storage) if not name.startswith("till/")}
    return names == set(ProductImage.objects.values_list("image", flat=True)) == photos_in_use(list(names))


@pytest.fixture
def berta(victim) -> User:
    return make_staff("berta", victim.shop)


@pytest.fixture
def editor(victim, berta) -> Browser:
    return Browser(victim.url, cookie=cookie_of(berta))


def delete(product: Product) -> None:
    """Delete a product, once more if it got a photo meanwhile: the admin does so by itself."""
    try:
        Product.objects.get(pk=product.pk).delete()
    except IntegrityError:
        Product.objects.get(pk=product.pk).delete()


def events(berta: User, product: Product, other: Product) -> dict:
    """What another person does, while a form of the product is being saved."""
    photos = list(product.images.values_list("pk", flat=True))

    def move() -> None:
        with contextlib.suppress(MoveRefused):  # they are on their way elsewhere
            move_photos(photos, other)

    return {
        "photo deleted": lambda: product.images.first().delete(),
        "photos moved": move,
        "product deleted": partial(delete, product),
        "other product deleted": partial(delete, other),
        "rights withdrawn": berta.user_permissions.clear,
        "no member any more": lambda: product.shop.members.remove(berta),
    }


def test_a_form_is_saved_while_another_takes_away_what_it_is_about(victim, berta, editor):
    chance, rights = random.Random(SEED), list(Permission.objects.all())
    names = list(events(berta, *(Product(shop=victim.shop, pk=-n) for n in (1, 2))))
    for number, name in enumerate(names * 2 * ROUNDS):
        berta.user_permissions.set(rights)
        victim.shop.members.add(berta)
        product, other = (
            Product.objects.create(shop=victim.shop, sku=f"{n}-{number}", name="x") for n in "AB"
        )
        for seed in range(PHOTOS):
            add_photo(product, number % 6, 10 * number + seed)
        form = form_fields(editor.get(page_of(product))) | {"name": f"typed {number}"}
        if chance.random() < 0.5:
            form |= {"images-0-DELETE": "on", "images-1-move": "on", "move_to": other.sku}
        new = {"new_photos": (f"{number}.jpg", photo_bytes(number % 6, 1000 + number), "image/jpeg")}
        happens = events(berta, product, other)[name]
        answer, _ = at_once(
            partial(editor.post, page_of(product), data=form, files=new), in_own_thread(happens)
        )
        assert answer.status_code in ANSWERS, (name, answer.status_code)
        left = Product.objects.filter(pk=product.pk).first()
        if answer.status_code == 302 and left and "admin/login" not in answer.headers["Location"]:
            assert left.name in {f"typed {number}", "x"}, name
        assert all_photos_have_files(), name
    victim.answers()


def in_own_thread(happens):
    """Close the connection that a thread has used: the test's database is dropped at the end."""

    def call():
        try:
            happens()
        finally:
            connection.close()

    return call


def test_two_people_move_photos_past_each_other(victim, editor):
    boss = Browser(victim.url, cookie=victim.cookie)
    products = [Product.objects.create(shop=victim.shop, sku=name, name=name) for name in "AB"]
    for seed in range(4):
        for kind, product in enumerate(products):
            add_photo(product, kind, seed)
    pks = set(ProductImage.objects.values_list("pk", flat=True))
    for _ in range(6 * ROUNDS):
        there, back = (
            form_fields(browser.get(page_of(product)))
            for browser, product in zip((editor, boss), products, strict=True)
        )
        answers = at_once(
            partial(editor.post, page_of(products[0]), data=there | marked(there) | {"move_to": "B"}),
            partial(boss.post, page_of(products[1]), data=back | marked(back) | {"move_to": "A"}),
        )
        assert [answer.status_code for answer in answers] == [302, 302]
    assert set(ProductImage.objects.values_list("pk", flat=True)) == pks
    victim.answers()


def marked(form: dict) -> dict:
    """The first photo of a form marked to be moved."""
    return {"images-0-move": "on"} if form["images-INITIAL_FORMS"] != "0" else {}


def test_a_correction_that_two_people_decide_on_is_taken_once(victim, editor):
    boss = Browser(victim.url, cookie=victim.cookie)
    product = Product.objects.create(shop=victim.shop, sku="A", name="A")
    add_photo(product)
    secret = add_till(victim.shop, "Counter")[1]
    send = partial(victim.http, "POST", "/till/corrections/", headers={"Authorization": f"Bearer {secret}"})
    for number in range(4 * ROUNDS):
        fields = correction(None, product)
        photo = ("photo.jpg", picture((200 + number, 200)), "image/jpeg")
        sent = at_once(*[partial(send, data=fields, files={"photo": photo})] * 5)
        assert sorted(answer.status_code for answer in sent) == [200] * 4 + [201]
        row = Correction.objects.get(key=fields["key"])
        acts = [
            partial(browser.post, "/admin/till/correction/", data=with_csrf(browser, row, act))
            for browser, act in ((editor, "take"), (boss, "take"), (boss, "refuse"), (editor, "refuse"))
        ]
        assert {answer.status_code for answer in at_once(*acts)} == {302}
        row.refresh_from_db()
        taken = ProductImage.objects.filter(product=product).count() - 1
        assert row.state in {"taken", "refused"}
        product.images.exclude(pk=product.images.first().pk).delete()
        assert taken == (row.state == "taken")
    victim.answers()


def with_csrf(browser: Browser, row: Correction, act: str) -> dict:
    if "csrftoken" not in browser.cookies:
        browser.get("/admin/till/correction/")
    return {
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        "action": act,
        "_selected_action": str(row.pk),
    }


def test_tills_of_a_shop_that_goes_while_they_send_are_refused_with_a_sentence(victim):
    product = Product.objects.create(shop=victim.shop, sku="A", name="A")
    secret = add_till(victim.shop, "Counter")[1]
    answers = []

    def send() -> None:
        head = {"Authorization": f"Bearer {secret}"}
        for _ in range(15):
            fields = correction(None, product) | {"key": str(uuid.uuid4())}
            photo = {"photo": ("photo.jpg", picture((200, 200)), "image/jpeg")}
            answers.append(victim.http("POST", "/till/corrections/", data=fields, files=photo, headers=head))

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    while len(answers) < 5:
        pass
    Product.objects.get(pk=product.pk).delete()
    for sender in senders:
        sender.join()
    assert {answer.status_code for answer in answers} == {201, 404}
    assert all(answer.json()["errors"][0]["message"] for answer in answers if answer.status_code == 404)
    assert len(list(walk(default_storage))) == Correction.objects.exclude(photo="").count()
    victim.answers()
