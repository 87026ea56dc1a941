"""What the tests of logins share: forms as a browser sends them, and an app that makes codes."""

import re
from base64 import b32decode
from binascii import unhexlify

from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.logins import second_factor

LOGIN, CODE, TWO_STEP = (reverse(f"admin:{name}") for name in ("login", "login_code", "two_step"))
HOME = reverse("admin:index")


def log_in(
    username: str, password: str, address: str = "203.0.113.7", client: Client | None = None, **headers
):
    """Send name and password from an address."""
    client = client or Client(raise_request_exception=False)
    told = {"username": username, "password": password}
    return client.post(LOGIN, told, REMOTE_ADDR=address, headers=headers)


def is_in(response) -> bool:
    return response.status_code == 302 and response.url == HOME


def opens_admin(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def app_code(key: str, steps: int = 0) -> str:
    """What an app with this key shows, now or some steps of 30 seconds away."""
    return f"{TOTP(unhexlify(key), drift=steps).token():06}"


def give_phone(user) -> tuple[str, list[str]]:
    """Set two-step login up for somebody. Gives the app's key and the recovery codes."""
    key = second_factor.new_key()
    codes = second_factor.set_up(user, key, app_code(key, -1))
    assert codes
    return key, codes


def next_code(user) -> str:
    """A code of the person's app that has not been used."""
    device = TOTPDevice.objects.get(user=user)
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1, drift=0)
    return app_code(device.key)


def key_on(page) -> str:
    """The key that the set-up page shows, in the form that a device keeps."""
    return b32decode(re.search(r"<code data-key>([A-Z2-7 ]+)<", page.text)[1].replace(" ", "")).hex()


def recovery_codes_on(page) -> list[str]:
    return re.findall(r"<li><code>([a-z2-9-]+)</code></li>", page.text)
