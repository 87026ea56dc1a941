"""What the tills of a shop are, and what they send back: which product it really was."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from api.after_commit import after_commit
from catalog.models import Product, Shop
from catalog.tokens import ApiToken


class Till(models.Model):
    """A device that recognises products with a token of its own, until that expires or is revoked."""

    token = models.OneToOneField(ApiToken, on_delete=models.CASCADE, related_name="till")
    version = models.PositiveIntegerField(
        _("version of model"), null=True, editable=False, help_text=_("The one that it last answered with.")
    )

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return self.token.name


class TillSettings(models.Model):
    """What a shop has chosen for its tills."""

    shop = models.OneToOneField(
        Shop, on_delete=models.CASCADE, primary_key=True, related_name="till_settings"
    )
    keeps_photos = models.BooleanField(
        _("keep photos of answers"),
        default=True,
        help_text=_(
            "When somebody taps which product it is, the till sends the photo along, for you to look at. "
            "Without photos it still tells how often it was right."
        ),
    )

    def __str__(self):
        return f"Till settings of {self.shop}"

    @classmethod
    def of(cls, shop: Shop) -> "TillSettings":
        """Those of a shop, or the usual ones; read once for this object of the shop."""
        try:
            return shop.till_settings
        except cls.DoesNotExist:
            return cls(shop=shop)


def photo_path(correction: "Correction", filename: str) -> str:
    """Names never repeat, and say nothing."""
    return f"till/{correction.shop_id}/{uuid.uuid4().hex}.jpg"


class Correction(models.Model):
    """One tap at a till: "yes", or "no, it is that one". It teaches nothing before a person takes it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        TAKEN = "taken", _("taken")
        REFUSED = "refused", _("refused")

    class Answer(models.TextChoices):
        """What the till said; nothing where the product was found by its name or number alone."""

        NAMED = "NAMED", _("gave a name")
        CHOOSE = "CHOOSE", _("gave a list")
        UNKNOWN = "UNKNOWN", _("knew nothing like it")

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="corrections")
    key = models.UUIDField(help_text=_("Made by the device: what is sent twice is kept once."))
    till = models.ForeignKey(Till, null=True, on_delete=models.SET_NULL, related_name="corrections")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(null=True, help_text=_("By the device's clock."))
    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    version = models.PositiveIntegerField(
        null=True, help_text=_("Number of the model version that answered.")
    )
    answer = models.CharField(_("the till"), max_length=10, choices=Answer, blank=True)
    said = models.ForeignKey(Product, null=True, on_delete=models.SET_NULL, related_name="+")
    chosen = models.ForeignKey(Product, null=True, on_delete=models.SET_NULL, related_name="+")
    said_name = models.CharField(max_length=200, blank=True, help_text=_("As it was then."))
    chosen_name = models.CharField(max_length=200, blank=True, help_text=_("As it was then."))
    is_right = models.BooleanField(
        _("right at first"), null=True, help_text=_("Null: the till said nothing.")
    )
    confidence = models.FloatField(null=True, help_text=_("That the first is right, 0 to 1."))
    views = models.PositiveSmallIntegerField(default=1, help_text=_("Photos that were taken together."))
    code = models.CharField(_("barcode"), max_length=64, blank=True)
    photo = models.FileField(upload_to=photo_path, max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-received_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["shop", "key"], name="one_correction_per_key")]
        indexes = [
            models.Index(fields=["shop", "state", "received_at"], name="waiting_corrections"),
            models.Index(fields=["received_at"], name="old_corrections"),
            models.Index(
                fields=["shop", "received_at"], condition=~Q(photo=""), name="corrections_with_photo"
            ),
        ]

    def __str__(self):
        return f"{self.said_name or '—'} → {self.chosen_name}"

    @classmethod
    def to_decide(cls) -> Q:
        """What somebody should look at: without photo and barcode, a tap only counts."""
        return Q(state=cls.State.WAITING) & (~Q(photo="") | ~Q(code=""))

    def drop_photo(self) -> None:
        """Remove the photo; what was said and chosen stays. Its file goes once that has committed."""
        name, storage = self.photo.name, self.photo.storage
        if name:
            self.photo = ""
            Correction.objects.filter(pk=self.pk).update(
                photo=""
            )  # a row that has gone meanwhile is no fault
            after_commit(storage.delete, name)
