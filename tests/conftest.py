"""Fixtures that all tests share: shops, people, photos drawn on the spot."""

import io
import random

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

from catalog.models import Product, ProductImage, Shop
from ml_training import findings


@pytest.hookimpl(tryfirst=True)  # before pytest-django reads the marks
def pytest_collection_modifyitems(items):
    """A test that commits begins with the rows that migrations made, under the ids that they gave.

    All of them or none: one that lets Django make these rows again leaves other ids to the next.
    """
    for item in items:
        mark = item.get_closest_marker("django_db")
        marked = mark and mark.kwargs.get("transaction")
        if marked or "transactional_db" in getattr(item, "fixturenames", ()):
            own_rows = pytest.mark.django_db(transaction=True, serialized_rollback=True)
            item.add_marker(own_rows, append=False)


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path):
    """Every test has photo and model folders of its own."""
    storages = {name: dict(value) for name, value in settings.STORAGES.items()}
    for name, folder in (("default", "photos"), ("models", "models")):
        storages[name]["OPTIONS"] = {"location": tmp_path / folder}
    settings.STORAGES = storages


@pytest.fixture(autouse=True)
def own_findings():
    """What was found out about a shop of another test is of no use: its rows had the same numbers."""
    findings._kept.clear()


def draw(kind: int, seed: int = 0, size=(96, 96)) -> Image.Image:
    """A picture whose colour and shapes tell its kind, and whose details its seed."""
    rng = random.Random(f"{kind}/{seed}")
    hues = [(200, 40, 40), (40, 160, 60), (50, 80, 200), (220, 190, 40), (150, 60, 170), (40, 180, 190)]
    image = Image.new("RGB", size, tuple(rng.randint(190, 255) for _ in range(3)))
    pen, (width, height) = ImageDraw.Draw(image), size
    left, top = rng.randint(0, width // 6), rng.randint(0, height // 6)
    box = (left, top, left + width * 3 // 4, top + height * 3 // 4)
    shape = [pen.ellipse, pen.rectangle, pen.chord][kind % 3]
    angles = (20, 260) if kind % 3 == 2 else ()
    shape(box, *angles, fill=hues[kind % 6])
    for _ in range(4):
        x, y = rng.randrange(width), rng.randrange(height)
        pen.line((x, y, x + 9, y + 5), fill=tuple(rng.randint(0, 255) for _ in range(3)), width=2)
    return image


def encode(image: Image.Image, format: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def photo_bytes(kind: int = 0, seed: int = 0) -> bytes:
    return encode(draw(kind, seed), quality=92)


def add_photo(product: Product, kind: int = 0, seed: int = 0, data: bytes | None = None) -> ProductImage:
    content = photo_bytes(kind, seed) if data is None else data
    photo = ProductImage(product=product, image=ContentFile(content, name=f"photo-{kind}-{seed}.jpg"))
    photo.save()
    return photo


def make_shop(slug: str, products: int = 0, photos: int = 0) -> Shop:
    """A shop with `products` products of `photos` photos each."""
    shop = Shop.objects.create(name=slug.title(), slug=slug)
    for kind in range(products):
        product = Product.objects.create(shop=shop, sku=f"{slug}-{kind}", name=f"{slug} product {kind}")
        for seed in range(photos):
            add_photo(product, kind, seed)
    return shop


def make_staff(username: str, *shops: Shop, permissions: bool = True):
    """A staff user with all of Shelfsight's permissions (or none), member of some shops."""
    user = get_user_model().objects.create_user(username, password="password", is_staff=True)
    if permissions:
        apps = ["catalog", "ml_training", "notifications"]
        user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=apps))
    for shop in shops:
        shop.members.add(user)
    return user


@pytest.fixture
def shop(db) -> Shop:
    return Shop.default()


@pytest.fixture
def other_shop(db) -> Shop:
    return make_shop("other")


@pytest.fixture
def staff(shop):
    """A member of the default shop with every permission of Shelfsight, and not a superuser."""
    return make_staff("staff", shop)


@pytest.fixture
def staff_client(client, staff):
    client.force_login(staff)
    return client
