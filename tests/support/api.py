"""Fixtures for the tests of the API: tokens, requests, and a real web server for sockets and streams."""

import asyncio
import json
import threading
import time

import pytest
import uvicorn
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from config.management.commands.serve import LIMITS

PATIENCE = 20  # seconds: a bound, not an expectation


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


class Server:
    """The project's ASGI application behind a real web server, in a thread of this process."""

    def __init__(self):
        from config.asgi import application

        config = uvicorn.Config(
            application, host="127.0.0.1", port=0, lifespan="off", log_level="warning", **LIMITS
        )
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


def recognize_together(token: str, *photos: bytes, image: bytes | None = None) -> dict:
    """Ask with `images`, and with `image` too if there is one."""
    query = """mutation ($images: [Upload!], $image: Upload) {
      recognizeProduct(images: $images, image: $image) {
        answer confidence candidates { productId probability unit } } }"""
    places = {str(n): f"variables.images.{n}" for n in range(len(photos))}
    files = {str(n): SimpleUploadedFile(f"{n}.jpg", photo) for n, photo in enumerate(photos)}
    if image is not None:
        places["one"], files["one"] = "variables.image", SimpleUploadedFile("one.jpg", image)
    variables = {"images": [None] * len(photos), "image": None}
    form = {
        "operations": json.dumps({"query": query, "variables": variables}),
        "map": json.dumps({name: [place] for name, place in places.items()}),
    }
    return Client().post("/graphql/", form | files, headers={"Authorization": f"Bearer {token}"}).json()


def recognize(token: str, photo: bytes, limit: int = 3, name: str = "photo.jpg") -> dict:
    query = """mutation ($image: Upload!, $limit: Int) { recognizeProduct(image: $image, limit: $limit) {
      version candidates { productId sku name probability } } }"""
    form = {
        "operations": json.dumps({"query": query, "variables": {"image": None, "limit": limit}}),
        "map": json.dumps({"0": ["variables.image"]}),
        "0": SimpleUploadedFile(name, photo),
    }
    return Client().post("/graphql/", form, headers={"Authorization": f"Bearer {token}"}).json()
