"""`manage.py add_till` prints what a phone opens, and with --json nothing else."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from catalog.tokens import ApiToken
from tests.support.commands import only_json
from tests.support.tills import get
from till.models import Till

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("add_till", *arguments, stdout=out)
    return out.getvalue()


def secret_of(address: str) -> str:
    site, _, secret = address.partition("/till/#token=")
    assert site
    return secret


def test_json_is_one_object_with_an_address_that_works(shop, settings):
    settings.PUBLIC_URL = ""
    told = only_json(run("Counter 1", "--json"))
    assert set(told) == {"url", "expires_at"}
    assert told["expires_at"] is None
    assert told["url"].startswith("http://127.0.0.1:8000/till/#token=shs_")
    answer = get(reverse("till-state"), secret_of(told["url"]))
    assert (answer.status_code, answer.json()["till"]) == (200, "Counter 1")
    assert (ApiToken.objects.get().scopes, Till.objects.get().token.shop) == (["till"], shop)


def test_address_is_that_of_the_site(shop, settings):
    settings.PUBLIC_URL = "https://public.example"
    assert only_json(run("A", "--json"))["url"].startswith("https://public.example/till/#token=")
    told = only_json(run("A", "--json", "--url", "https://192.168.1.7:8443/"))
    assert told["url"].startswith("https://192.168.1.7:8443/till/#token=")


def test_terminal_shows_address_and_qr_code(shop):
    text = run("Counter 1", "--expires", "7")
    assert secret_of(text.splitlines()[1]).startswith("shs_")
    assert len([line for line in text.splitlines() if "█" in line or "▀" in line]) > 10
    left = ApiToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


def test_end_is_told(shop):
    told = only_json(run("A", "--json", "--expires", "2"))
    assert parse_datetime(told["expires_at"]) == ApiToken.objects.get().expires_at


def test_till_is_of_the_shop_that_was_said(shop, other_shop):
    run("A", "--shop", other_shop.slug)
    assert Till.objects.get().token.shop == other_shop


@pytest.mark.parametrize(
    "arguments",
    [
        ("",),
        (" \n",),
        ("x" * 101,),
        ("A", "--expires", "0"),
        ("A", "--expires", "99999999"),
        ("A", "--url", "till.example"),
        ("A", "--url", "javascript:alert(1)"),
        ("A", "--url", "https://till.example/#here"),
        ("A", "--url", "https://till.example/?a=b"),
        ("A", "--url", "https://till:secret@till.example"),
        ("A", "--url", "https://[::1"),
        ("A", "--url", "https://till .example"),
        ("A", "--shop", "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(shop, arguments):
    with pytest.raises(CommandError):
        run(*arguments)
    assert not Till.objects.exists()
    assert not ApiToken.objects.exists()
