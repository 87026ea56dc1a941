"""Who may log in, and which sessions count: each session remembers the backend that let it in.

A session that a password alone opened is nobody's as soon as more is asked of the person, wherever it is
shown: pages, both websockets, the API, the till.
"""

from asgiref.sync import sync_to_async
from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django_otp.plugins.otp_totp.models import TOTPDevice

BY_PASSWORD = "config.logins.backends.PasswordAlone"  # noqa: S105 (where the class is)
BY_CODE = "config.logins.backends.PasswordAndCode"


class ThrottledLogins(AxesStandaloneBackend):
    """Comes before the others and refuses a try that is one too many."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        if request is not None:  # a command that checks a password is nobody who guesses
            super().authenticate(request, username, password, **kwargs)


class PasswordAlone(ModelBackend):
    """Checks passwords. Its sessions count for those of whom no code is asked."""

    def get_user(self, user_id):
        if settings.SECOND_FACTOR:
            return None
        user = User.objects.filter(~_makes_codes(), pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

    async def aget_user(self, user_id):
        return await sync_to_async(self.get_user)(user_id)


class PasswordAndCode(BaseBackend):
    """Its sessions were opened with a code too. They end when the person's device is removed."""

    def get_user(self, user_id):
        return User.objects.filter(_makes_codes(), pk=user_id, is_active=True).first()


def _makes_codes() -> Exists:
    """Whether a device of the person makes codes: part of the query for the person."""
    return Exists(TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True))
