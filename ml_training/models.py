"""What is owed, what is being done, and what came of it. `runs/` is the only writer of run status."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from api.pages import PagedRow
from catalog.hours import check_hours
from catalog.models import Product, ProductImage, Shop
from ml_training.answer_settings import AnswerSettings


class ShopTrainingQuerySet(models.QuerySet["ShopTraining"]):
    def hold(self, shop_id: int) -> "ShopTraining | None":
        """Lock a shop's row until the transaction ends: one after another decides. None if there is no row.

        Transaction:  needs one.
        """
        return self.select_for_update().filter(shop_id=shop_id).first()

    def hold_or_create(self, shop_id: int) -> "ShopTraining":
        """The same, with a row that is made if there is none."""
        return self.select_for_update().get_or_create(shop_id=shop_id)[0]


class ShopTraining(AnswerSettings):
    """One row a shop, from its first change or setting on. `trained < wanted` says that work is owed; nothing
    else decides whether to train."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, primary_key=True, related_name="training")
    wanted = models.PositiveBigIntegerField(default=0, help_text=_("Counts every change of the photos."))
    trained = models.PositiveBigIntegerField(default=0, help_text=_("The change the last run included."))
    sequence = models.PositiveBigIntegerField(default=0, help_text=_("Counts every change of state."))
    active_version = models.ForeignKey(
        "ModelVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    deep_hours = models.CharField(
        _("hours of deep training"),
        max_length=10,
        blank=True,
        validators=[check_hours],
        help_text=_(
            "When the recogniser may study long, such as 20-6 (from 8 in the evening to 6 in the morning). "
            "Empty: whenever the installation allows it. New photos are learned at any hour."
        ),
    )

    objects = ShopTrainingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(trained__lte=F("wanted")), name="trained_not_beyond_wanted")
        ]
        permissions = [
            ("prepare_training", _("Can prepare training data")),
            ("recognize_product", _("Can recognise products at a till")),
        ]

    def __str__(self):
        return f"Training of {self.shop}"

    @classmethod
    def of(cls, shop: Shop) -> "ShopTraining":
        """A shop's row, or one with the defaults, not to be saved, if there is none. It is read once for this
        object of the shop: select `training` along with shops where there are many."""
        try:
            return shop.training
        except cls.DoesNotExist:
            return cls(shop_id=shop.pk)

    @property
    def is_owed(self) -> bool:
        return self.trained < self.wanted


class TrainingRun(models.Model):
    """One job. The queue only wakes a worker up; this row says what is to be done and how far it is."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        TRAINING = "training", _("Training")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        SUPERSEDED = "superseded", _("Superseded")
        CANCELLED = "cancelled", _("Cancelled")

    class Kind(models.TextChoices):
        QUICK = "quick", _("Training")  # a head on a backbone that stays as it is
        DEEP = "deep", _("Deep training")  # the backbone itself

    class Phase(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        PREPARING = "preparing", _("Preparing the recogniser")
        LEARNING = "learning", _("Learning from the photos, again and again")
        EMBEDDING = "embedding", _("Looking at the photos")
        FITTING = "fitting", _("Learning the products")
        EVALUATING = "evaluating", _("Checking how good it is")
        PUBLISHING = "publishing", _("Publishing the model")
        DONE = "done", _("Done")

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="training_runs")
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.QUICK)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    phase = models.CharField(max_length=12, choices=Phase, default=Phase.WAITING)
    progress = models.FloatField(default=0.0, help_text=_("Share done, 0 to 1."))
    backbone = models.CharField(max_length=100, blank=True, help_text=_("What its model is made for."))
    generation = models.PositiveBigIntegerField(null=True, help_text=_("The change this run includes."))
    fresh = models.BooleanField(default=False, help_text=_("Look at every photo again."))
    trigger = models.JSONField(default=list, blank=True, help_text=_("What asked for it."))
    products = models.PositiveIntegerField(default=0)
    photos = models.PositiveIntegerField(default=0)
    set_aside = models.JSONField(default=list, blank=True, help_text=_("Photos that could not be used."))
    metrics = models.JSONField(default=dict, blank=True)
    message = models.TextField(blank=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=1, help_text=_("Which try at this work it is."))
    worker_lost = models.BooleanField(default=False, help_text=_("The worker died or went silent."))
    worker_token = models.CharField(max_length=32, blank=True)
    worker_host = models.CharField(max_length=255, blank=True)
    worker_pid = models.PositiveIntegerField(null=True)
    trainer = models.CharField(max_length=255, blank=True, help_text=_("The external trainer that has it."))
    heartbeat_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True, help_text=_("When a worker was last told of it."))
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    sequence: int = 0  # of the shop's state when this run was last announced; not stored

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "kind"], condition=Q(status="queued"), name="one_queued_run_of_a_kind"
            ),
            models.UniqueConstraint(
                fields=["shop", "kind"], condition=Q(status="training"), name="one_training_run_of_a_kind"
            ),
        ]
        indexes = [models.Index(fields=["shop", "-id"], name="run_history")]

    def __str__(self):
        return f"Run {self.pk} ({self.get_status_display()})"


class TunedBackbone(models.Model):
    """A backbone that has learned a shop's own products. Its file, in the model storage, never changes."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="tuned_backbones")
    backbone = models.CharField(max_length=100, unique=True, help_text=_("Its id, in versions and vectors."))
    base = models.CharField(max_length=100, help_text=_("The id of the backbone it began as."))
    path = models.CharField(max_length=200, help_text=_("Where its file is in the model storage."))
    sha256 = models.CharField(max_length=64)
    preprocessing = models.JSONField()
    vector_size = models.PositiveIntegerField()
    learned = models.JSONField(help_text=_("SHA-256 of the photos it learned from."))
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.backbone


class RunToken(models.Model):
    """Opens one run to the external trainer that has it. Only the token's hash is kept."""

    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, primary_key=True, related_name="token")
    sha256 = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    value: str = ""  # the token itself, on the object that `issue` returns and nowhere else

    def __str__(self):
        return f"Token of run {self.run_id}"


class ModelVersion(PagedRow, models.Model):
    """A published model. Its files never change; one version a shop is active."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="model_versions")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, related_name="version")
    backbone = models.CharField(max_length=100)
    folder = models.CharField(max_length=200, help_text=_("Where its files are in the model storage."))
    files = models.JSONField(help_text=_("By kind: name, sha256 and bytes."))
    products = models.PositiveIntegerField()
    photos = models.PositiveIntegerField()
    metrics = models.JSONField(default=dict, blank=True)
    cross_validated = models.JSONField(
        default=dict, blank=True, help_text=_("By photo: its product, and the one answered without it.")
    )
    evidence = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("Photos that a person should look at."),
    )
    chosen_at = models.DateTimeField(null=True, help_text=_("When a person last let it serve."))
    held_back = models.TextField(blank=True, help_text=_("Why it was kept and not made the active one."))
    changes = models.JSONField(
        null=True, blank=True, help_text=_("What it learned that the one before did not; null: not recorded.")
    )
    has_files = models.BooleanField(default=True, help_text=_("Its files are kept; see `pruning`."))
    files_removed_at = models.DateTimeField(null=True, help_text=_("When its files were gone."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["shop", "number"], name="one_number_per_version")]

    def __str__(self):
        return f"Version {self.number}"

    @staticmethod
    def long_fields(relation: str = "") -> list[str]:
        """Those as long as the catalogue, to be deferred where nobody reads them.

        Args:
            relation: leads from the rows that are read to a version; empty if they are versions.
        """
        return [f"{relation}__{name}" if relation else name for name in ("cross_validated", "evidence")]

    @property
    def outliers(self) -> dict[str, list[int]]:
        """By photo that looks more like another product: its own, and that one."""
        return (self.evidence or {}).get("strangers", {})


class LearnedPhoto(models.Model):
    """One photo, as some versions in a row learned it. It stays when the photo goes.

    A photo that comes and stays is one row, however many versions learn it.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="learned_photos")
    photo = models.ForeignKey(
        ProductImage, on_delete=models.DO_NOTHING, db_constraint=False, related_name="learned"
    )
    product = models.ForeignKey(Product, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    product_name = models.CharField(max_length=200, help_text=_("As it was then."))
    filename = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    since = models.PositiveIntegerField(help_text=_("Number of the first version that learned it."))
    until = models.PositiveIntegerField(
        null=True, help_text=_("Number of the last one; null: the newest version learned it too.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "photo"], condition=Q(until=None), name="one_open_row_per_photo"
            )
        ]
        indexes = [models.Index(fields=["shop", "product", "photo"], name="learned_by_product")]

    def __str__(self):
        return f"{self.filename} of {self.product_name}"


class ImageEmbedding(models.Model):
    """The vector of one photo's bytes for one backbone: computed once, whoever asks."""

    sha256 = models.CharField(max_length=64)
    backbone = models.CharField(max_length=100)
    vector = models.BinaryField(help_text=_("float32, little-endian."))
    looks = models.BinaryField(null=True, help_text=_("What each look saw: float16, little-endian."))
    # See `recognizer.quality`; null where the photo was embedded before these were measured.
    sharpness = models.FloatField(null=True)
    brightness = models.FloatField(null=True)
    extent = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["backbone", "sha256"], name="one_vector_per_photo")]

    def __str__(self):
        return f"{self.sha256[:12]} by {self.backbone}"
