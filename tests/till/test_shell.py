"""The page and what it consists of: open to everybody, with nothing of any shop, under the right policies."""

import json
import re

import brotli
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from till import release
from till.shell import page_config

OPEN = ["till", "till-check", "till-sw", "till-manifest", "till-worker"]


@pytest.mark.parametrize("name", OPEN)
def test_shell_is_open_to_everybody_and_asks_the_database_nothing(name, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = Client().get(reverse(name))
    assert answer.status_code == 200
    assert "Location" not in answer


@pytest.mark.parametrize("name", ["till", "till-check"])
def test_pages_keep_the_policy_of_the_site_and_set_the_csrf_cookie(name, db):
    answer = Client().get(reverse(name))
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer.cookies["csrftoken"].value
    assert answer.context["config"] == page_config()


def test_worker_alone_may_run_webassembly(db):
    answer = Client().get(reverse("till-worker"))
    assert answer["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
    )
    assert answer["Content-Type"] == "text/javascript"
    imported = re.fullmatch(r'import "/static/(.+)";\n', answer.text).group(1)
    assert finders.find(imported)


def test_service_worker_knows_the_release_and_all_that_belongs_to_it(db):
    answer = Client().get(reverse("till-sw"))
    assert answer["Service-Worker-Allowed"] == "/till/"
    assert "no-cache" in answer["Cache-Control"]
    told = dict(re.findall(r"^const ([A-Z]+) = (.+);$", answer.text, re.MULTILINE))
    assert json.loads(told["RELEASE"]) == release.release()
    for address in json.loads(told["SHELL"]):
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/")), address
        else:
            assert Client().get(address).status_code == 200, address
    assert {page_config()["ort"], page_config()["zxing"]} <= set(json.loads(told["SHELL"]))


def test_manifest_lets_a_phone_install_the_page(db):
    answer = Client().get(reverse("till-manifest"))
    told = answer.json()
    assert answer["Content-Type"] == "application/manifest+json"
    assert (told["start_url"], told["scope"], told["display"]) == ("/till/", "/till/", "standalone")


@pytest.mark.parametrize("name", list(release.WASM))
def test_webassembly_comes_packed_or_unpacked_as_the_browser_takes_it(name, db, tmp_path, settings):
    settings.CACHE_DIR = tmp_path
    address = page_config()[name]
    packed = Client().get(address, headers={"Accept-Encoding": "gzip, deflate, br"})
    plain = Client().get(address, headers={"Accept-Encoding": "gzip, brx"})
    again = Client().get(address)
    content = b"".join(packed.streaming_content)
    assert packed["Content-Encoding"] == "br"
    assert packed["Content-Length"] == str(len(content))
    unpacked = b"".join(plain.streaming_content)
    assert "Content-Encoding" not in plain
    assert unpacked == brotli.decompress(content) == b"".join(again.streaming_content)
    assert unpacked[:4] == b"\0asm"
    assert len(list((tmp_path / "till").iterdir())) == 1
    for answer in (packed, plain):
        assert answer["Content-Type"] == "application/wasm"
        assert answer["Vary"] == "Accept-Encoding"
        assert "immutable" in answer["Cache-Control"]


def test_webassembly_of_another_release_or_name_is_not_found(db):
    for digest, name in (("0" * 16, "ort"), (release.wasm_digest("ort"), "zxing"), ("0" * 16, "..")):
        assert Client().get(reverse("till-wasm", args=[digest, name])).status_code == 404


def test_release_begins_with_the_version_and_changes_with_a_file(monkeypatch, tmp_path):
    import shutil

    assert re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{8}", release.release())
    assert release.release() == release._measure()
    copy = tmp_path / "static"
    shutil.copytree(release.STATIC, copy)
    monkeypatch.setattr(release, "STATIC", copy)
    before = release._measure()
    (copy / "till" / "page" / "sw.js").write_text("// changed")
    changed = release._measure()
    (copy / "till" / "engine" / "new.js").write_text("// new")
    assert len({before, changed, release._measure()}) == 3
    assert before == release.release()
    assert settings.BASE_DIR in release.STATIC.parents or copy == release.STATIC
