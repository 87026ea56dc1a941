"""What the tests of the till share: a shop whose model devices can use, tills, and what they send."""

import hashlib
import json
import uuid

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Product, Shop
from catalog.tokens import ApiToken
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.recognizer.answers.promise import CHOICES
from ml_training.recognizer.backbone import Backbone
from ml_training.recognizer.export import FORMAT, ModelFile
from ml_training.versions import files as version_files
from tests.factories import bearer, draw, encode, make_staff, stock
from till.models import Correction, Till

CORRECTIONS = reverse("admin:till_correction_changelist")
HEAD = b"head of a model " * 40_000  # more than one chunk
OPEN_SET = {
    "confidence": [1.5, -0.5],
    "named_above": [
        {"wrong": wrong, "foreign": foreign, "photos": views, "score": 100 * wrong + foreign + views}
        for wrong, foreign, views in CHOICES
    ],
    "unknown_below": -3.0,
    "list_gap": 4.0,
}


def publish(shop: Shop, backbone: Backbone, open_set: dict | None = OPEN_SET, **files: bytes) -> ModelVersion:
    """An active version with the files that a till needs; `files` replace some, None leaves one out."""
    labels = list(Product.objects.filter(shop=shop).order_by("pk").values("id", "sku", "name"))
    described = {"format": FORMAT, "head": {"temperature": 1.25}, "open_set": open_set}
    described["backbone"] = {"id": backbone.id}
    content = {
        "model_json": json.dumps(described).encode(),
        "metadata": json.dumps({"labels": labels}).encode(),
        "head_onnx": HEAD + f"{shop.pk}".encode(),
    }
    kept = {kind: data for kind, data in (content | files).items() if data is not None}
    made = {kind: ModelFile(f"{kind}.bin", data, hashlib.sha256(data).hexdigest())
            for kind, data in kept.items()}  # fmt: skip
    run = TrainingRun.objects.create(shop=shop, status="completed", worker_token=uuid.uuid4().hex)
    version_files.store(version_files.folder_of(run), made)
    version = ModelVersion.objects.create(
        shop=shop,
        number=version_files.next_number(shop.pk),
        run=run,
        backbone=backbone.id,
        folder=version_files.folder_of(run),
        files=version_files.describe(made),
        products=len(labels),
        photos=1,
    )
    ShopTraining.objects.update_or_create(shop=shop, defaults={"active_version": version})
    return version


@pytest.fixture
def shelf_products(shop) -> list[Product]:
    return stock(shop, 3, 2)


@pytest.fixture
def served(shop, shelf_products, backbone) -> ModelVersion:
    """The version that serves a shop of three products with two photos each."""
    return publish(shop, backbone)


@pytest.fixture
def till(shop) -> Till:
    secret = bearer(shop, "till")
    made = Till.objects.create(token=ApiToken.find(secret))
    made.secret = secret
    return made


def headers_of(secret: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}", **more}


def get(address: str, secret: str = "", **headers: str):
    return Client().get(address, headers=headers_of(secret, **headers) if secret else headers)


def picture(size=(640, 640), colour=(200, 40, 40), **options) -> bytes:
    """A photo with a pattern, so that no two sizes or colours are the same bytes."""
    drawn = draw(sum(colour) % 6, sum(size), size)
    return encode(drawn, quality=85, **options)


def correction(said: Product | None, chosen: Product, **fields) -> dict:
    """The fields of a correction as the page sends them."""
    own = {
        "key": str(uuid.uuid4()),
        "made_at": timezone.now().isoformat(),
        "version": "3",
        "answer": "NAMED" if said else "",
        "said": said.pk if said else "",
        "chosen": chosen.pk,
        "confidence": "0.9",
        "views": "1",
        "code": "",
    }
    return own | fields


def send(fields: dict, secret: str, photo: bytes | None = None, address="/till/corrections/"):
    files = {} if photo is None else {"photo": SimpleUploadedFile("photo.jpg", photo, "image/jpeg")}
    return Client(enforce_csrf_checks=True).post(address, fields | files, headers=headers_of(secret))


def waiting(
    shop: Shop, said: Product | None, chosen: Product, photo: bytes | None = None, **fields
) -> Correction:
    """A correction that waits for somebody, with a photo of its own."""
    row = Correction(
        shop=shop,
        key=uuid.uuid4(),
        answer="NAMED" if said else "",
        said=said,
        chosen=chosen,
        said_name=said.name if said else "",
        chosen_name=chosen.name,
        is_right=(said == chosen) if said else None,
        **fields,
    )
    row.save()
    row.photo.save("photo.jpg", ContentFile(photo or picture((64 + row.pk, 64 + row.pk))))
    return row


def photo_of(row: Correction) -> str:
    return reverse("admin:till_correction_photo", args=[row.pk])


def listed(client, query: str = "") -> list[int]:
    return sorted(row.pk for row in client.get(CORRECTIONS + query).context["cl"].result_list)


def act(client, action: str, *rows: Correction, follow=True, **more):
    fields = {"action": action, "_selected_action": [row.pk for row in rows]} | more
    return client.post(CORRECTIONS, fields, follow=follow)


def told(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def limited(client, shop, *codenames: str):
    user = make_staff("limited", shop, permissions=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client
