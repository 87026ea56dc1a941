"""A shop's own data: shops, products and their photos. Knows nothing of training."""

import uuid
from pathlib import PurePath
from weakref import WeakKeyDictionary

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.validators import MinValueValidator, RegexValidator
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from api.pages import PagedRow
from catalog.activity.rows import Activity as Activity  # a model of this app
from catalog.photo_files import PhotoFacts, PhotoLimits, PhotoRefused, check_photo, check_size
from catalog.photos.undo import note_stored, remove_quietly
from catalog.tokens import ApiToken as ApiToken

MAX_SKU_LENGTH = 100  # characters


class ShopQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The shops a user may work in: all for superusers, their own for staff, none for others."""
        if not (user.is_active and user.is_staff):
            return self.none()
        return self if user.is_superuser else self.filter(members=user)


class Shop(models.Model):
    name = models.CharField(max_length=200)
    slug = models.SlugField(unique=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="shops",
        help_text=_("Staff who may see and change this shop. Superusers see every shop."),
    )

    currency = models.CharField(
        max_length=3,
        default="EUR",
        validators=[RegexValidator("^[A-Z]{3}$", _("Three capital letters, such as EUR."))],
        help_text=_("Of all prices: its code of three letters, such as EUR, SEK or USD."),
    )

    objects = ShopQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name

    @classmethod
    def default(cls) -> "Shop":
        """The shop that a single-shop installation works in: the oldest."""
        return cls.objects.order_by("pk").first() or cls.objects.create(name="My shop", slug="default")


class Product(PagedRow, models.Model):
    class Unit(models.TextChoices):
        """What the price is for."""

        PIECE = "piece", _("piece")
        KG = "kg", _("kg")

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="products")
    sku = models.CharField(_("SKU"), max_length=MAX_SKU_LENGTH)
    name = models.CharField(max_length=200)
    barcode = models.CharField(max_length=64, blank=True)
    price = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    unit = models.CharField(
        _("sold by"), max_length=5, choices=Unit, default=Unit.PIECE, help_text=_("What the price is for.")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Products that are not active are not recognised.")
    )

    photos_go_to: "Product | None" = None  # where its form moves the photos that are marked, while it is read

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "sku"],
                name="one_sku_per_shop",
                violation_error_message=_("This shop already has a product with this SKU."),
            )
        ]
        indexes = [models.Index(fields=["shop", "name", "id"], name="product_list")]

    def __str__(self):
        return self.name


def photo_path(photo: "ProductImage", filename: str) -> str:
    """Where a photo's file is kept. The name a person gave is in the row; paths never repeat."""
    if photo.facts is None:
        raise ValueError("A photo's file is stored by `save`, which reads it first.")
    return f"{photo.product.shop_id}/{uuid.uuid4().hex}.{photo.facts.extension}"


class ProductImage(PagedRow, models.Model):
    """One photo. The stored file is what was sent, byte for byte; size and hash are read from it."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images")
    image = models.FileField(_("photo"), upload_to=photo_path, max_length=200)
    filename = models.CharField(max_length=255, editable=False, help_text=_("The file's name when added."))
    sha256 = models.CharField(max_length=64, editable=False, db_index=True)
    width = models.PositiveIntegerField(editable=False, help_text=_("Pixels, upright."))
    height = models.PositiveIntegerField(editable=False, help_text=_("Pixels, upright."))
    position = models.PositiveIntegerField(default=0, help_text=_("The photo with the lowest comes first."))
    added_at = models.DateTimeField(auto_now_add=True)

    facts: PhotoFacts | None = None  # of a file that was just given to this instance
    replaced_file: str | None = None  # name of the one whose place that takes, while it is saved

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("photo")
        constraints = [
            models.UniqueConstraint(
                fields=["product", "sha256"],
                name="no_photo_twice_on_a_product",
                violation_error_message=_("This product already has this photo."),
            )
        ]
        indexes = [models.Index(fields=["product", "position", "id"], name="photo_order")]

    def __str__(self):
        return self.filename or "photo"

    def save(self, *args, **kwargs):
        """Check a new file before it is stored.

        Raises:
            ValidationError: the file cannot be taken, or (code `duplicate`) the product has it already.
        """
        is_new_file = bool(self.image) and not self.image._committed
        if is_new_file:
            self.clean()
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "filename", "sha256", "width", "height"}
        try:
            with transaction.atomic():
                super().save(*args, **kwargs)
        except BaseException as error:
            if is_new_file and self.image._committed:  # the file was stored, and its row was not
                remove_quietly(self.image.storage, self.image.name)
            if isinstance(error, IntegrityError):  # somebody added the same photo at this very moment
                self._refuse_duplicate()
            raise
        if is_new_file:
            note_stored(self.image.storage, str(self.image.name))

    def clean(self):
        """Read hash and size from a new file, once; refuse it with a sentence that names it."""
        if not self.image or self.image._committed:
            return
        self.facts = facts = check_upload(self.image.file, self.image.name)
        self.filename = short_name(self.image.name)
        self.sha256, self.width, self.height = facts.sha256, facts.width, facts.height
        self._refuse_duplicate()

    def _refuse_duplicate(self):
        others = ProductImage.objects.filter(product=self.product_id, sha256=self.sha256)
        if others.exclude(pk=self.pk).exists():
            text = f"{self.filename}: {self.product} already has this photo."
            raise ValidationError(text, code="duplicate")


def short_name(name: str) -> str:
    """A file's own name without folders, short enough to store."""
    return PurePath(name.replace("\\", "/")).name[-255:]


def photo_limits() -> PhotoLimits:
    """How large a photo may be in this installation."""
    # With a little more: what phones call 64 megapixels are 9248 x 6944.
    return PhotoLimits(settings.PHOTO_MAX_MEGABYTES * 1024**2, settings.PHOTO_MAX_MEGAPIXELS * 1_020_000)


_facts: WeakKeyDictionary[File, PhotoFacts] = WeakKeyDictionary()


def check_upload(file: File, name: str) -> PhotoFacts:
    """Check a file that somebody sent, and leave it ready to be read again.

    Decoding is the slow part of an upload: whoever calls this before opening a transaction keeps it short.

    Repeatable:   a second call for the same file object answers from what the first one found.
    Raises:
        ValidationError: the file cannot be taken; the text names it and says what to do.
    """
    if file not in _facts:
        try:
            _facts[file] = _read_facts(file)
        except PhotoRefused as refused:
            raise ValidationError(f"{short_name(name)}: {refused}") from refused
        except OSError as error:
            text = f"{short_name(name)}: The file cannot be read: {error.strerror}."
            raise ValidationError(text) from error
    return _facts[file]


def _read_facts(file: File) -> PhotoFacts:
    limits = photo_limits()
    check_size(file.size, limits)
    file.seek(0)
    try:
        return check_photo(file.read(limits.max_bytes + 1), limits)
    finally:
        file.seek(0)
