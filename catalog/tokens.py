"""Bearer tokens: what a program shows instead of a person's session.

A token belongs to one shop. Its secret is shown once, when it is made; the row keeps a hash.
"""

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.activity.rows import Activity, record
from catalog.scopes import all_scopes

PREFIX = "shs_"
SHOWN = len(PREFIX) + 6  # characters of the secret that are kept to tell tokens apart
USE_NOTED_EVERY = timedelta(minutes=1)
LONGEST = timedelta(days=36_500)  # that one may be made for


def check_scopes(scopes) -> None:
    known = all_scopes()
    if not isinstance(scopes, list) or not scopes or not set(scopes) <= set(known):
        raise ValidationError(_("Choose at least one of: %(scopes)s.") % {"scopes": ", ".join(known)})


def check_is_to_come(moment: datetime) -> None:
    """Refuse an end that has passed already, since it works for nobody, and one that no clock will show."""
    if moment <= timezone.now():
        raise ValidationError(_("This is in the past. Choose a later moment, or leave it empty for never."))
    if moment > timezone.now() + LONGEST:
        raise ValidationError(_("This is too far away. Leave it empty for never."))


def digest_of(secret: str) -> str:
    """SHA-256 suffices without a salt: the secret is 256 random bits, not a password.

    What was sent in its place may be any text, even one that is no UTF-8.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


class ApiToken(models.Model):
    """One program's access to one shop, until it expires or is revoked."""

    name = models.CharField(max_length=100, help_text=_("Which program uses it, such as Till 2."))
    shop = models.ForeignKey("catalog.Shop", on_delete=models.CASCADE, related_name="api_tokens")
    prefix = models.CharField(_("begins with"), max_length=SHOWN, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list, validators=[check_scopes])
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: never."))
    last_used_at = models.DateTimeField(null=True, editable=False, help_text=_("To the minute."))
    revoked_at = models.DateTimeField(null=True, editable=False)

    secret = ""  # of a row that was given one just now; it is never stored

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("API token")

    def __str__(self):
        return f"{self.name} ({self.prefix}…)"

    def renew_secret(self) -> None:
        """Give this token a secret, to be shown once; the caller saves the row."""
        self.secret = PREFIX + secrets.token_urlsafe(32)
        self.prefix, self.digest = self.secret[:SHOWN], digest_of(self.secret)

    @classmethod
    def make(cls, shop, name: str, scopes: list[str], **fields) -> tuple["ApiToken", str]:
        """Create a token.

        Returns:
            The row and its secret, which nothing can tell again.
        """
        token = cls(shop=shop, name=name, scopes=scopes, **fields)
        token.renew_secret()
        token.full_clean(exclude=["created_by"])
        token.save()
        return token, token.secret

    @classmethod
    def find(cls, secret: str) -> "ApiToken | None":
        """The token with this secret, expired or revoked as it may be."""
        return cls.objects.select_related("shop").filter(digest=digest_of(secret)).first()

    @property
    def problem(self) -> str:
        """Why the token does not hold; empty if it does."""
        if self.revoked_at is not None:
            return "This token was revoked."
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return "This token has expired."
        return ""

    def note_use(self) -> None:
        """Remember that the token was used, once a minute at most; a full disk keeps nobody from reading."""
        before = timezone.now() - USE_NOTED_EVERY
        now = timezone.now()
        if self.last_used_at is None or not before < self.last_used_at <= now:  # a clock may be set back
            long_ago = ~Q(last_used_at__gt=before, last_used_at__lte=now) | Q(last_used_at__isnull=True)
            with suppress(DatabaseError), transaction.atomic():
                type(self).objects.filter(long_ago, pk=self.pk).update(last_used_at=now)

    def revoke(self) -> None:
        """End the token for good. Repeatable: yes; the first time stays."""
        with transaction.atomic():
            if type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now()):
                record(Activity.Kind.TOKEN, f"revoked the token {self}", self.shop)
