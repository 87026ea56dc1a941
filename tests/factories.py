"""Makes what tests begin with: shops, people, photos drawn on the spot, versions without files."""

import io
import random
from datetime import timedelta
from decimal import Decimal

import numpy as np
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image, ImageDraw

from catalog.models import Product, ProductImage, Shop
from catalog.tokens import ApiToken
from ml_training.dataset.manifest import read_manifest
from ml_training.events import QUEUED, MLStatusEvent
from ml_training.models import ImageEmbedding, ModelVersion, ShopTraining, TrainingRun
from ml_training.versions.provenance import note_learned

PHOTOS = 10


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


def choose(shop: Shop, **settings: str) -> None:
    """Give a shop settings of its training; the object is as if read anew."""
    ShopTraining.objects.update_or_create(shop=shop, defaults=settings)
    shop.refresh_from_db()


def make_staff(username: str, *shops: Shop, permissions: bool = True):
    """A staff user with all of Shelfsight's permissions (or none), member of some shops."""
    user = get_user_model().objects.create_user(username, password="password", is_staff=True)
    if permissions:
        apps = ["catalog", "ml_training", "notifications", "till"]
        user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=apps))
    for shop in shops:
        shop.members.add(user)
    return user


def shelf(shop, prices: list[str | None], names=("Conference", "Anjou", "Lime", "Kiwi")) -> list[Product]:
    """Products whose photos have rows and no files."""
    products = [
        Product.objects.create(
            shop=shop, sku=f"p{n}", name=names[n % len(names)], price=price and Decimal(price)
        )
        for n, price in enumerate(prices)
    ]
    for n, product in enumerate(products):
        ProductImage.objects.bulk_create(
            ProductImage(
                product=product,
                image="a.jpg",
                filename=f"{n}-{k}.jpg",
                sha256=f"{n:032}{k:032}",
                width=9,
                height=9,
            )
            for k in range(PHOTOS)
        )
    return products


def judge(shop, wrong: dict[tuple[Product, Product], int], **metrics) -> ModelVersion:
    """A version that serves, and that took so many photos of one product for the other."""
    judged = {}
    for photo in ProductImage.objects.filter(product__shop=shop).order_by("pk"):
        judged[str(photo.pk)] = [photo.product_id, photo.product_id]
    for (shown, answered), times in wrong.items():
        still = [key for key, (own, answer) in judged.items() if own == answer == shown.pk]
        for key in still[:times]:
            judged[key] = [shown.pk, answered.pk]
    return serve(
        shop, cross_validated=judged, metrics={"accuracy": 0.8, "accuracy_range": [0.7, 0.9], **metrics}
    )


def serve(shop, **fields) -> ModelVersion:
    run = TrainingRun.objects.create(shop=shop, status="completed")
    files = {
        kind: {"name": kind, "sha256": "0" * 64, "bytes": 1}
        for kind in ("model_json", "weights", "metadata", "onnx")
    }
    number = ModelVersion.objects.filter(shop=shop).count() + 1
    facts = {"number": number, "backbone": "b", "folder": f"{shop.pk}/{run.pk}", "files": files}
    version = ModelVersion.objects.create(shop=shop, run=run, products=2, photos=4, **facts, **fields)
    ShopTraining.objects.update_or_create(shop=shop, defaults={"active_version": version, "wanted": run.pk})
    return version


def shelf_more(shop, count: int) -> list[Product]:
    products = [
        Product.objects.create(shop=shop, sku=f"q{n}", name=f"More {n}", price=n) for n in range(count)
    ]
    ProductImage.objects.bulk_create(
        ProductImage(
            product=p, image="a.jpg", filename="a.jpg", sha256=f"{p.pk:040}{k:024}", width=9, height=9
        )
        for p in products
        for k in range(5)
    )
    return products


def learn(shop) -> ModelVersion:
    """A version that learns what the catalogue has now."""
    number = ModelVersion.objects.filter(shop=shop).count() + 1
    return bare_version(shop, number, note_learned(shop.pk, number, read_manifest(shop.pk)))


def stock(shop: Shop, products: int = 3, photos: int = 2) -> list[Product]:
    """Fill a shop with products that look different."""
    made = []
    for kind in range(products):
        product = Product.objects.create(shop=shop, sku=f"{shop.slug}-{kind}", name=f"Product {kind}")
        for seed in range(photos):
            add_photo(product, kind, seed)
        made.append(product)
    return made


def bearer(shop: Shop, *scopes: str, **fields) -> str:
    """The secret of a new token."""
    return ApiToken.make(shop, "Till", list(scopes) or ["read"], **fields)[1]


def expired(shop: Shop, *scopes: str) -> str:
    return bearer(shop, *scopes, expires_at=timezone.now() - timedelta(seconds=1))


def revoked(shop: Shop, *scopes: str) -> str:
    secret = bearer(shop, *scopes)
    ApiToken.find(secret).revoke()
    return secret


def fill(shop: Shop, products: int, photos: int = 0, start: int = 0) -> list[Product]:
    """Products whose photos have rows and no files: most of the API reads rows only."""
    made = [
        Product(shop=shop, sku=f"S{n:05}", name=f"Product {n:05}") for n in range(start, start + products)
    ]
    Product.objects.bulk_create(made, batch_size=500)
    rows = (
        ProductImage(
            product=product, image=f"{n}.jpg", filename=f"{n}.jpg", sha256=f"{n:064}", width=9, height=9
        )
        for product in made
        for n in range(photos)
    )
    ProductImage.objects.bulk_create(rows, batch_size=2000)
    return made


def add_version(shop: Shop, active: bool = True) -> ModelVersion:
    """A version whose files are described and not there."""
    run = TrainingRun.objects.create(shop=shop, status="completed", phase="done", finished_at=timezone.now())
    number = ModelVersion.objects.filter(shop=shop).count() + 1
    names = {"model_json": "model.json", "weights": "weights.safetensors"}
    names |= {"metadata": "metadata.json", "onnx": "model.onnx"}
    version = ModelVersion.objects.create(
        shop=shop,
        number=number,
        run=run,
        backbone="efficientnet-lite0-224-v1",
        folder=f"{shop.pk}/{run.pk}-test",
        files={kind: {"name": name, "sha256": "0" * 64, "bytes": 5} for kind, name in names.items()},
        products=2,
        photos=4,
    )
    if active:
        ShopTraining.objects.update_or_create(shop=shop, defaults={"active_version": version})
    return version


def event(shop, kind=QUEUED, run_id=1, message="3 photos added to Oat milk"):
    return MLStatusEvent(shop.pk, run_id, kind, 0.0, "waiting", message, 7, 0)


def bare_version(shop, number: int, changes: list | None = None) -> ModelVersion:
    run = TrainingRun.objects.create(shop=shop, status="completed")
    return ModelVersion.objects.create(
        shop=shop,
        number=number,
        run=run,
        folder=f"{shop.pk}/{number}",
        files={},
        products=0,
        photos=0,
        changes=changes,
    )


def backed(shop) -> None:
    """Give every photo a vector: same products alike, others not."""
    rng, rows = np.random.default_rng(0), {}
    for photo in ProductImage.objects.filter(product__shop=shop):
        vector = rng.normal(size=64) * 0.3
        vector[photo.product_id % 64] += 8
        rows[photo.sha256] = (vector / np.linalg.norm(vector)).astype("<f4").tobytes()
    ImageEmbedding.objects.bulk_create(
        ImageEmbedding(sha256=sha256, backbone="b", vector=vector) for sha256, vector in rows.items()
    )
