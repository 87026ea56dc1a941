"""The rows that tell who did what. They outlive what they tell of, so they keep names instead of links."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.activity.actor import MAX_NAME, Actor, current_actor

MAX_TEXT = 500
MAX_NAMES = 20  # in one row
MAX_NAMED = 250  # characters of these names, so that what else a row tells has its place
# Of failed logins within so many seconds the same one is told once, and no more than so many others.
LOGIN_SECONDS = 60
LOGINS_OF_ADDRESS = 20
LOGINS = 200


class Activity(models.Model):
    """One thing that somebody did. Nobody changes rows; they go when they are old."""

    class Kind(models.TextChoices):
        """What it was about; the page filters by it."""

        PRODUCT = "product", _("Products")
        PHOTO = "photo", _("Photos")
        MODEL = "model", _("Model and training")
        TILL = "till", _("Tills and corrections")
        TOKEN = "token", _("API tokens")
        SHOP = "shop", _("Shops and members")
        PERSON = "person", _("People and rights")
        LOGIN = "login", _("Logins")

    at = models.DateTimeField(default=timezone.now, db_index=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    who = models.CharField(max_length=MAX_NAME)
    is_token = models.BooleanField(default=False)
    address = models.CharField(max_length=45, blank=True)
    # Kept when the shop is deleted: its name is in the row, and its number is given to no other shop.
    shop = models.ForeignKey(
        "catalog.Shop", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    shop_name = models.CharField(max_length=200, blank=True)
    text = models.CharField(max_length=MAX_TEXT)

    class Meta:
        app_label = "catalog"
        ordering = ["-pk"]
        default_permissions = ["view"]
        indexes = [models.Index(fields=["shop", "-id"], name="activity_of_shop")]

    def __str__(self):
        return f"{self.who} {self.text}"


def some(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    names, shown = list(names), list[str]()
    for name in names[:MAX_NAMES]:
        if shown and sum(map(len, shown)) + len(name) > MAX_NAMED:
            break
        shown.append(name)
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more


def record(kind: str, text: str, shop=None, actor: Actor | None = None) -> None:
    """Write down that somebody did something; nothing while nobody acts.

    Args:
        text: goes on after the name: "deleted the product Oat milk".
        shop: the Shop it was done in; None where it concerns no single one.
        actor: who did it; whoever acts now if left out.
    Transaction:  joins the caller's, so that the row is there exactly if the change is.
    """
    actor = actor or current_actor()
    if actor is None:
        return
    Activity.objects.create(
        kind=kind,
        who=actor.name[:MAX_NAME],
        is_token=actor.is_token,
        address=actor.address[:45],
        shop_id=shop.pk if shop else None,
        shop_name=shop.name if shop else "",
        text=text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…",
    )


def record_login(text: str, name: str, address: str) -> None:
    """Write down a login that failed, unless it is one of very many: guessers fill no table.

    The log has every one of them.
    """
    actor = Actor(name[:MAX_NAME], False, address[:45])
    now = timezone.now()  # a clock that was set back leaves rows of later
    since = now - timedelta(seconds=LOGIN_SECONDS)
    rows = Activity.objects.filter(kind=Activity.Kind.LOGIN, text=text, at__gt=since, at__lte=now)
    recent = list(rows.values_list("who", "address")[:LOGINS])
    of_address = [who for who, address in recent if address == actor.address]
    if actor.name not in of_address and len(of_address) < LOGINS_OF_ADDRESS and len(recent) < LOGINS:
        record(Activity.Kind.LOGIN, text, actor=actor)


def drop_old() -> int:
    """Remove rows older than ACTIVITY_DAYS.

    Returns:
        How many were removed.
    Repeatable:   yes.
    """
    before = timezone.now() - timedelta(days=settings.ACTIVITY_DAYS)
    return Activity.objects.filter(at__lt=before).delete()[0]
