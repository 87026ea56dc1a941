"""The second factor of a login: codes of an app on the phone (TOTP), and recovery codes on paper."""

import secrets
import time
from base64 import b32encode
from binascii import unhexlify

import segno
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from catalog.activity.actor import Actor, current_actor
from catalog.activity.rows import Activity, record

RECOVERY_CODES = 10
RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none is taken for another
RECOVERY_LENGTH = 10  # 49 bits
NAME = "Phone"


def has_second_factor(user: User) -> bool:
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def new_key() -> str:
    """A secret for an app, to be kept until its first code confirms it."""
    return random_hex(20)


def key_in_words(key: str) -> str:
    """A secret as people type it into an app that has no camera."""
    text = b32encode(unhexlify(key)).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def qr_code(user: User, key: str) -> str:
    """What an app scans, as a data: address of an SVG."""
    address = TOTPDevice(user=user, key=key).config_url
    return segno.make(address, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")


def set_up(user: User, key: str, code: str) -> list[str]:
    """Ask for codes from now on, if this one shows that the app has the key.

    Returns:
        New recovery codes; none if the code is not right, and then nothing has changed.
    Effects:      the person's device in place of earlier ones.
    Transaction:  opens one.
    """
    code = "".join(code.split())
    totp = TOTP(unhexlify(key))
    totp.time = time.time()
    if not (code.isascii() and code.isdigit() and totp.verify(int(code), TOTPDevice().tolerance)):
        return []
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two tabs, one after the other
        TOTPDevice.objects.filter(user=user).delete()
        TOTPDevice.objects.create(user=user, name=NAME, key=key, drift=totp.drift, last_t=totp.t())
        _record(user, "switched two-step login on", by_self=True)
        return _new_recovery_codes(user)


def renew_recovery_codes(user: User) -> list[str]:
    """Make recovery codes, each good for one login, in place of those that there were.

    Transaction:  opens one.
    """
    with transaction.atomic():
        _record(user, "made new recovery codes")
        return _new_recovery_codes(user)


def _record(user: User, text: str, by_self: bool = False) -> None:
    """Tell it as activity; `by_self`: also while the person's login is not complete."""
    actor = current_actor() or (Actor(user.get_username()) if by_self else None)
    whose = "" if actor and actor.name == user.get_username() else f" for {user}"
    record(Activity.Kind.PERSON, text + whose, actor=actor)


def _new_recovery_codes(user: User) -> list[str]:
    codes = [_random_code() for _ in range(RECOVERY_CODES)]
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Recovery codes")
    for code in codes:
        device.token_set.create(token=code)
    half = RECOVERY_LENGTH // 2
    return [f"{code[:half]}-{code[half:]}" for code in codes]


def _random_code() -> str:
    return "".join(secrets.choice(RECOVERY_LETTERS) for _ in range(RECOVERY_LENGTH))


def recovery_codes_left(user: User) -> int:
    return sum(device.token_set.count() for device in StaticDevice.objects.filter(user=user))


def is_right_code(user: User, text: str) -> bool:
    """Whether a code of the app or a recovery code is right; neither is right a second time.

    Transaction:  opens one, with the person's devices locked.
    """
    code = "".join(text.split()).replace("-", "").lower()
    if not code.isascii():
        return False
    model = TOTPDevice if code.isdigit() and len(code) <= 8 else StaticDevice
    with transaction.atomic():
        devices = model.objects.devices_for_user(user, confirmed=True).select_for_update()
        return any(_forget_future(device).verify_token(code) for device in devices)


def _forget_future(device: TOTPDevice | StaticDevice) -> TOTPDevice | StaticDevice:
    """Take the codes of now, though one was used later by a clock that has been set back since."""
    if isinstance(device, TOTPDevice):
        now = (time.time() - device.t0) // device.step
        if device.last_t > now + device.drift + device.tolerance:
            device.last_t = -1
    return device


def remove(user: User, but: str | None = None, by_self: bool = False) -> bool:
    """Ask for no codes any more: the phone is lost, or the person wants it so. Sessions end, except one.

    Args:
        by_self: whether the person wants it so, also if they were logged out for it.
    Returns:
        Whether there was anything to remove.
    Repeatable:   yes.
    """
    with transaction.atomic():
        removed, _ = TOTPDevice.objects.filter(user=user).delete()
        removed += StaticDevice.objects.filter(user=user).delete()[0]
        if removed:
            _record(user, "switched two-step login off", by_self)
            end_sessions(user, but)
    return removed > 0


def end_sessions(user: User, but: str | None = None) -> None:
    """Delete the sessions of a person, except one. All are read, as they do not say whose they are."""
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.pk != but and session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()
