"""The manifest as a stream: everything in it, whole or seen to be cut off, in bounded memory."""

import json
import os
import subprocess
import sys

import httpx
from django.conf import settings
from django.test import Client

from ml_training.dataset.manifest import read_manifest
from ml_training.dataset.stream import AT_ONCE, manifest_chunks
from tests.factories import add_photo, bearer, expired, fill, make_staff

ROOT = settings.BASE_DIR
URL = "/api/manifest/default.ndjson"


def lines(response) -> list[dict]:
    return [json.loads(line) for line in response.getvalue().splitlines()]


def get(token: str = "", client: Client | None = None, url: str = URL):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return (client or Client()).get(url, headers=headers)


def test_stream_has_every_photo_once_in_the_order_of_training(shop):
    products = fill(shop, 7, photos=400)
    for photo in products[3].images.all()[:50]:
        photo.position = 9
        photo.save()
    photo = add_photo(products[0])
    header, *entries, end = lines(get(bearer(shop)))
    assert (header["products"], header["photos"]) == (7, 2801)
    assert header["shop"] == shop.pk
    assert 2 * AT_ONCE < 2801, "several steps are needed"
    images = [image for entry in entries for image in entry["images"]]
    manifest = read_manifest(shop.pk)
    assert [image["id"] for image in images] == [item.pk for item in manifest.photos]
    assert list(dict.fromkeys(entry["id"] for entry in entries)) == [item.pk for item in manifest.products]
    mine = next(image for image in images if image["id"] == photo.pk)
    assert get(bearer(shop), url=mine["url"]).getvalue() == photo.image.read()
    assert end == {"end": True, "version": header["version"]}


def test_reader_sees_that_photos_changed_meanwhile(shop):
    (product,) = fill(shop, 1, photos=2)
    chunks = manifest_chunks(shop)
    header = json.loads(next(chunks))
    add_photo(product)
    *_, end = b"".join(chunks).splitlines()
    assert json.loads(end)["version"] == header["version"] + 1


def test_manifest_is_for_those_who_may_read_photos(shop, other_shop, staff_client):
    fill(shop, 1, photos=1)
    assert get(client=staff_client).status_code == 200
    assert [get(bearer(shop, scope)).status_code for scope in ("read", "train", "recognize")] == [
        200,
        200,
        403,
    ]
    assert get().status_code == 302
    assert get(expired(shop, "read")).status_code == 401
    assert get(bearer(other_shop, "read", "train")).status_code == 404
    stranger = Client()
    stranger.force_login(make_staff("stranger", other_shop))
    assert get(client=stranger).status_code == 404
    assert get(bearer(shop), url="/api/manifest/none.ndjson").status_code == 404


def test_stream_comes_in_steps_through_a_real_web_server(server):
    from catalog.models import Shop

    shop = Shop.default()
    fill(shop, 30, photos=100)
    headers = {"Authorization": f"Bearer {bearer(shop)}"}
    url = server.url.replace("/graphql/", URL)
    with httpx.stream("GET", url, headers=headers) as response:
        first, *_, last = response.iter_lines()
    assert json.loads(first)["photos"] == 3000
    assert json.loads(last)["end"]
    assert response.headers["transfer-encoding"] == "chunked"


def test_memory_does_not_grow_with_the_photos(tmp_path):
    """The benchmark, with fewer photos: what it measures is a process of its own."""
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}
    environment = {name: value for name, value in environment.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "benchmarks.manifest_stream", "--photos", "20000", "--json", ""]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    figures = json.loads(ended.stdout.splitlines()[-1])
    assert figures["photos"] == 20000
    assert figures["growth_mb"] < 64
