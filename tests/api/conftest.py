"""Fixtures for the tests of the API: tokens, requests, and a real web server for sockets and streams."""

import asyncio
import json
import threading
import time
from datetime import timedelta

import pytest
import uvicorn
from django.test import Client
from django.utils import timezone

from catalog.models import Product, ProductImage, Shop
from catalog.tokens import ApiToken
from ml_training.models import ModelVersion, ShopTraining, TrainingRun

PATIENCE = 20  # seconds: a bound, not an expectation


def bearer(shop: Shop, *scopes: str, **fields) -> str:
    """The secret of a new token."""
    return ApiToken.make(shop, "Till", list(scopes) or ["read"], **fields)[1]


def expired(shop: Shop, *scopes: str) -> str:
    return bearer(shop, *scopes, expires_at=timezone.now() - timedelta(seconds=1))


def revoked(shop: Shop, *scopes: str) -> str:
    secret = bearer(shop, *scopes)
    ApiToken.find(secret).revoke()
    return secret


def post(query: str, variables: dict | None = None, token: str = "", client: Client | None = None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = {"query": query, "variables": variables or {}}
    client = client or Client(enforce_csrf_checks=True)
    return client.post("/graphql/", json.dumps(body), content_type="application/json", headers=headers)


def ask(query: str, variables: dict | None = None, token: str = "", client: Client | None = None) -> dict:
    return post(query, variables, token, client).json()


def data(answer: dict) -> dict:
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def code(answer: dict) -> str:
    """The code of the first error."""
    return answer["errors"][0]["extensions"]["code"]


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


class Server:
    """The project's ASGI application behind a real web server, in a thread of this process."""

    def __init__(self):
        from config.asgi import application

        config = uvicorn.Config(application, host="127.0.0.1", port=0, lifespan="off", log_level="warning")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve()), daemon=True)

    def __enter__(self):
        self.thread.start()
        until = time.monotonic() + PATIENCE
        while not self.server.started and time.monotonic() < until:
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url, self.socket_url = (
            f"{kind}://127.0.0.1:{self.port}/graphql/{end}" for kind, end in (("http", ""), ("ws", "ws/"))
        )
        return self

    def __exit__(self, *exc_info):
        self.server.should_exit = True
        self.thread.join(PATIENCE)


@pytest.fixture
def server(transactional_db):
    with Server() as server:
        yield server
