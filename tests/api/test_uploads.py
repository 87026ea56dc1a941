"""The GraphQL multipart request specification: files in their places, hostile maps and too much refused."""

import json
import tracemalloc

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from django.utils.datastructures import MultiValueDict

from api.errors import ApiError
from api.uploads import read_multipart
from tests.factories import bearer, photo_bytes
from tests.support.api import ask, code

QUERY = "mutation ($image: Upload!) { recognizeProduct(image: $image) { version } }"


def put(variables, places, names=("0",)) -> dict:
    fields = QueryDict(mutable=True)
    fields["operations"] = json.dumps({"query": QUERY, "variables": variables})
    fields["map"] = places if isinstance(places, str) else json.dumps(places)
    files = MultiValueDict({name: [SimpleUploadedFile(f"{name}.jpg", b"x")] for name in names})
    return read_multipart(fields, files)["variables"]


def test_files_go_where_the_map_says():
    assert put({"image": None}, {"0": ["variables.image"]})["image"].name == "0.jpg"
    nested = put(
        {"a": {"list": [None, {"deep": None}]}},
        {"0": ["variables.a.list.0"], "1": ["variables.a.list.1.deep"]},
        ("0", "1"),
    )
    assert (nested["a"]["list"][0].name, nested["a"]["list"][1]["deep"].name) == ("0.jpg", "1.jpg")
    twice = put({"a": None, "b": None}, {"0": ["variables.a", "variables.b"]})
    assert twice["a"] is twice["b"]


@pytest.mark.parametrize(
    ("variables", "places", "names"),
    [
        ({"image": None}, {"0": ["query"]}, ("0",)),
        ({"image": None}, {"0": ["variables"]}, ("0",)),
        ({"image": None}, {"0": ["variables.other"]}, ("0",)),
        ({"image": None}, {"0": ["variables.image.deeper"]}, ("0",)),
        ({"image": None}, {"0": ["variables.__class__"]}, ("0",)),
        ({"image": "taken"}, {"0": ["variables.image"]}, ("0",)),
        ({"image": None}, {"0": ["variables.image", "variables.image"]}, ("0",)),
        ({"image": None}, {"0": ["variables.image"], "1": ["variables.image"]}, ("0", "1")),
        ({"image": [None]}, {"0": ["variables.image.-1"]}, ("0",)),
        ({"image": [None]}, {"0": ["variables.image.1"]}, ("0",)),
        ({"image": [None]}, {"0": ["variables.image.²"]}, ("0",)),
        ({"image": [None]}, {"0": ["variables.image." + "9" * 5000]}, ("0",)),
        ({"image": None}, {"0": ["variables." + "a." * 50 + "b"]}, ("0",)),
        ({"image": None}, {"0": []}, ("0",)),
        ({"image": None}, {"0": "variables.image"}, ("0",)),
        ({"image": None}, {"0": [1]}, ("0",)),
        ({"image": None}, {"0": ["variables.image"]}, ()),
        ({"image": None}, {}, ("0",)),
        ({"image": None}, {"1": ["variables.image"]}, ("0",)),
        ({"image": None}, [["variables.image"]], ("0",)),
        ({"image": None}, "[" * 100_000, ("0",)),
        ({"image": None}, "nonsense", ("0",)),
        (None, {"0": ["variables.image"]}, ("0",)),
        ({"image": [None] * 11}, {"0": [f"variables.image.{n}" for n in range(11)]}, ("0",)),
    ],
)
def test_hostile_map_is_refused_with_a_sentence(variables, places, names):
    with pytest.raises(ApiError) as refused:
        put(variables, places, names)
    assert refused.value.message.endswith(".")
    assert len(refused.value.message) < 200


def send(token: str, content: bytes = b"x", operations=None, places='{"0": ["variables.image"]}', **files):
    form = {
        "operations": json.dumps(operations or {"query": QUERY, "variables": {"image": None}}),
        "map": places,
        "0": SimpleUploadedFile("photo.jpg", content),
        **{name: SimpleUploadedFile(name, b"x") for name in files},
    }
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client().post("/graphql/", form, headers=headers)


def test_files_are_not_taken_from_nobody(shop):
    response = send("", photo_bytes())
    assert response.status_code == 401
    assert code(response.json()) == "UNAUTHENTICATED"


def test_form_in_chunks_is_read_like_one_of_a_known_length(shop, server):
    token = bearer(shop, "recognize")
    form = {
        "operations": json.dumps({"query": QUERY, "variables": {"image": None}}),
        "map": '{"0": ["variables.image"]}',
    }
    made = httpx.Request("POST", server.url, data=form, files={"0": ("a.jpg", photo_bytes())})
    body = made.read()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": made.headers["Content-Type"]}
    parts = (body[at : at + 1000] for at in range(0, len(body), 1000))
    response = httpx.post(server.url, content=parts, headers=headers, trust_env=False)
    assert response.request.headers["Transfer-Encoding"] == "chunked"
    assert code(response.json()) == "CONFLICT", "the photo has been read, and there is no version yet"


def test_batch_in_a_form_is_refused(shop):
    response = send(bearer(shop, "recognize"), operations=[{"query": QUERY}] * 1000)
    assert response.status_code == 400
    assert code(response.json()) == "BAD_INPUT"


def test_more_files_than_are_taken_are_refused(shop):
    response = send(bearer(shop, "recognize"), **{f"f{n}": b"" for n in range(12)})
    assert response.status_code == 413
    assert code(response.json()) == "TOO_LARGE"


def test_file_larger_than_all_files_may_be_is_refused(shop, settings):
    settings.API_UPLOAD_MAX_MEGABYTES = 1
    response = send(bearer(shop, "recognize"), b"x" * (3 * 1024 * 1024))
    assert response.status_code == 413
    assert code(response.json()) == "TOO_LARGE"


def test_photo_larger_than_a_photo_may_be_is_refused_unread(shop, settings):
    settings.PHOTO_MAX_MEGABYTES = 1
    answer = send(bearer(shop, "recognize"), b"x" * (2 * 1024 * 1024)).json()
    assert code(answer) == "TOO_LARGE"
    assert "1 MB" in answer["errors"][0]["message"]


@pytest.mark.parametrize("value", ["a text", 5, {"name": "photo.jpg"}, ["x"]])
def test_upload_is_a_file_and_nothing_else(shop, value):
    answer = ask(QUERY, {"image": value}, token=bearer(shop, "recognize"))
    assert code(answer) == "BAD_INPUT"
    literal = 'mutation { recognizeProduct(image: "x") { version } }'
    assert code(ask(literal, token=bearer(shop, "recognize"))) == "BAD_INPUT"


@pytest.mark.parametrize("honest", [True, False])
def test_gigabyte_is_refused_while_it_comes_in(server, settings, honest):
    """Through the real server: by its header, or as soon as more came than is taken; never held in memory."""
    settings.API_UPLOAD_MAX_MEGABYTES = 8
    sent = 0

    def gigabyte():
        nonlocal sent
        for _ in range(1024):
            sent += 1
            yield b"x" * 1024 * 1024

    headers = {"Content-Type": "multipart/form-data; boundary=b", "Authorization": "Bearer shs_wrong"}
    if honest:
        headers["Content-Length"] = str(1024**3)
    tracemalloc.start()
    try:
        try:
            response = httpx.post(server.url, content=gigabyte(), headers=headers, timeout=60)
        except httpx.TransportError:
            response = None  # the server answered and hung up while we were still sending
        peak = tracemalloc.get_traced_memory()[1] / 1024**2
    finally:
        tracemalloc.stop()
    assert response is None or (response.status_code, code(response.json())) == (413, "TOO_LARGE")
    assert sent < 200
    assert peak < 64
