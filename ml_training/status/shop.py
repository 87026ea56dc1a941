"""What the ML Model page, the API and the socket say of a shop's training: one function for all of them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from catalog.models import Product, ProductImage, Shop
from ml_training.gate.judge import was_held_back_for
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.recognizer.export import FILES
from ml_training.status.deep import DeepInfo, deep_info, describe_outcome, seconds_left
from ml_training.versions import files as version_files
from ml_training.versions.metrics import accuracy_in_words, among_three_in_words, coverage_in_words

Kind = TrainingRun.Kind
# What the badge says of a shop.
IDLE = "idle"
QUEUED = "queued"
TRAINING = "training"
ACTIVE = "active"
FAILED = "failed"
LABELS = {IDLE: "Idle", QUEUED: "Queued", TRAINING: "Training", ACTIVE: "Active", FAILED: "Failed"}
FILE_NAMES = {
    "model_json": "Model JSON",
    "weights": "Model weights",
    "metadata": "Metadata",
    "onnx": "ONNX",
    "head_onnx": "Head ONNX",
}
NOBODY_SECONDS = 60  # after which a run that waits asks for a worker
NOW = ("sequence", "status", "run_id", "progress", "phase", "seconds_left", "message", "products", "photos",
       "version")  # fmt: skip
TO_BEGIN = "Add photos of at least two products; the recogniser trains itself."
SWITCHED_OFF = "No version serves. Activate one, or let the next training do it."


@dataclass(frozen=True)
class FileInfo:
    kind: str
    label: str
    name: str
    present: bool
    bytes: int | None = None
    sha256: str | None = None
    url: str = ""

    @property
    def slug(self) -> str:
        return self.kind.replace("_", "-")


@dataclass(frozen=True)
class TrainingInfo:
    shop_id: int
    shop_name: str
    sequence: int  # grows with every change of state
    status: str  # idle, queued, training, active or failed
    run_id: int | None  # the run that is queued or training
    progress: float  # in [0, 1]; 0 unless training
    phase: str
    seconds_left: float | None
    started_at: datetime | None
    last_trained_at: datetime | None
    error: str
    message: str  # what to do next, or what is missing
    products: int  # active products
    photos: int  # photos of active products
    has_active_model: bool
    version: int | None
    accuracy: str  # of the active version, in words; empty if nothing is known
    among_three: str  # share of photos whose product is among its first three answers, likewise
    coverage: str  # share of photos of known products that it names without asking, likewise
    held_back: int | None = None  # the newest version, if `message` says why it was held back
    deep: DeepInfo | None = None  # the deep run that waits or trains beside
    last_deep: str = ""  # how the last one ended, in words
    set_aside: list[dict] = field(default_factory=list)
    files: list[FileInfo] = field(default_factory=list)

    @property
    def label(self) -> str:
        return LABELS[self.status]

    @property
    def percent(self) -> int:
        return int(100 * self.progress)

    @property
    def files_present(self) -> int:
        return sum(file.present for file in self.files)

    def now(self) -> dict:
        """For a push: what a page shows of a run that waits or trains, in a few hundred bytes."""
        return {name: getattr(self, name) for name in NOW} | {"label": self.label}

    def as_json(self) -> dict:
        """For the socket: dates as ISO 8601."""
        data = asdict(self)
        for name in ("started_at", "last_trained_at"):
            data[name] = data[name] and data[name].isoformat()
        data["deep"] = self.deep and self.deep.as_json()
        data["files"] = [asdict(file) | {"slug": file.slug} for file in self.files]
        return data | {"label": self.label, "percent": self.percent, "files_present": self.files_present}


def training_info(shop: Shop) -> TrainingInfo:
    """Read the training status of one shop."""
    return training_infos([shop])[0]


def training_infos(shops: Iterable[Shop]) -> list[TrainingInfo]:
    """Read the training status of some shops, in five queries whatever there is to count."""
    shops = list(shops)
    states = ShopTraining.objects.select_related("active_version").defer(
        *ModelVersion.long_fields("active_version")
    )
    known = states.in_bulk([shop.pk for shop in shops])
    runs = TrainingRun.objects.filter(shop__in=shops)
    under_way = runs.filter(status__in=[QUEUED, TRAINING]).order_by("status")
    going = {(run.shop_id, run.kind): run for run in under_way}
    over = Q(status__in=["completed", "failed"]) | Q(status="cancelled", kind=Kind.DEEP)
    newest = runs.filter(over).order_by().values("shop", "kind").annotate(newest=Max("pk")).values("newest")
    last = TrainingRun.objects.filter(pk__in=newest).select_related("version")
    ended = {(run.shop_id, run.kind): run for run in last.defer(*ModelVersion.long_fields("version"))}
    products = _counts(Product.objects.filter(shop__in=shops, is_active=True), "shop")
    images = ProductImage.objects.filter(product__shop__in=shops, product__is_active=True)
    photos = _counts(images, "product__shop")
    return [
        _info(
            shop,
            known.get(shop.pk) or ShopTraining(shop_id=shop.pk),
            going,
            ended,
            counts=(products.get(shop.pk, 0), photos.get(shop.pk, 0)),
        )
        for shop in shops
    ]


def _counts(rows: QuerySet, by: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(by).annotate(count=Count("pk")))


def _info(
    shop: Shop,
    state: ShopTraining,
    all_going: dict[tuple[int, str], TrainingRun],
    all_ended: dict[tuple[int, str], TrainingRun],
    counts: tuple[int, int],
) -> TrainingInfo:
    going, deep = (all_going.get((shop.pk, kind)) for kind in (Kind.QUICK, Kind.DEEP))
    ended, last_deep = (all_ended.get((shop.pk, kind)) for kind in (Kind.QUICK, Kind.DEEP))
    version = state.active_version
    status = _status(going, ended, version)
    training = going if going and going.status == TRAINING else None
    held_back = _held_back(status, ended, version)
    return TrainingInfo(
        shop_id=shop.pk,
        shop_name=shop.name,
        sequence=state.sequence,
        status=status,
        run_id=going.pk if going else None,
        progress=training.progress if training else 0.0,
        phase=going.get_phase_display() if going else "",
        seconds_left=seconds_left(training, 0.05) if training and not _is_silent(training) else None,
        started_at=training.started_at if training else None,
        last_trained_at=version.created_at if version else None,
        error=ended.error if ended and status == FAILED else "",
        message=_of_silence(going) or (going.message if going else "") or _message(status, ended, version),
        products=counts[0],
        photos=counts[1],
        has_active_model=version is not None,
        version=version.number if version else None,
        accuracy=accuracy_in_words(version),
        among_three=among_three_in_words(version),
        coverage=coverage_in_words(version, state),
        held_back=held_back.number if held_back else None,
        deep=deep_info(deep, state, _of_silence(deep)),
        last_deep=describe_outcome(last_deep),
        set_aside=ended.set_aside if ended else [],
        files=describe_files(version),
    )


def _is_silent(run: TrainingRun) -> bool:
    limit = settings.ML_TRAINER_SILENCE_SECONDS if run.trainer else settings.HEARTBEAT_LIMIT_SECONDS
    return run.heartbeat_at is not None and timezone.now() - run.heartbeat_at > timedelta(seconds=limit)


def _of_silence(going: TrainingRun | None) -> str:
    """What to do about a run that nobody seems to work on; a worker that is there mends that by itself."""
    if going is None:
        return ""
    if going.status == TRAINING and _is_silent(going):
        when = timezone.localtime(going.heartbeat_at).strftime("%H:%M")
        return f"Nothing was heard of this run since {when}. If no worker runs, start one: manage.py worker."
    waits = timezone.now() - going.created_at
    if going.status == QUEUED and not going.message and waits > timedelta(seconds=NOBODY_SECONDS):
        return "No worker has taken this run yet. If none runs, start one: manage.py worker."
    return ""


def _status(going: TrainingRun | None, ended: TrainingRun | None, version: ModelVersion | None) -> str:
    if going:
        return going.status
    if ended and ended.status == FAILED:
        return FAILED
    return ACTIVE if version else IDLE


def _message(status: str, ended: TrainingRun | None, version: ModelVersion | None) -> str:
    if status == FAILED:
        serving = f"Version {version.number} goes on serving." if version else "No model serves yet."
        return f"{serving} Any change of photos also starts a new run, and so does Prepare training data."
    if ended and ended.status == "completed" and not hasattr(ended, "version"):
        return ended.message
    if held_back := _held_back(status, ended, version):
        return held_back.held_back
    if status == IDLE:
        return SWITCHED_OFF if ended else TO_BEGIN
    return ""


def _held_back(status: str, ended: TrainingRun | None, version: ModelVersion | None) -> ModelVersion | None:
    """What the last run made, if it was held back for what serves now."""
    made = getattr(ended, "version", None)
    if status != ACTIVE or version is None or made is None or made == version:
        return None
    return made if was_held_back_for(made, version) else None


def describe_files(version: ModelVersion | None) -> list[FileInfo]:
    """The files that a version has had since it was published, or what they will be called."""
    if version is None:
        return [FileInfo(kind, FILE_NAMES[kind], name, False) for kind, name in FILES.items()]
    return [_file(version, kind) for kind in FILES if kind in version.files]


def _file(version: ModelVersion, kind: str) -> FileInfo:
    stored = version.files[kind]
    name, sha256 = stored["name"], stored["sha256"]
    url = reverse("model-file", args=[version.pk, sha256, name]) if version.has_files else ""
    present = version_files.is_present(version, kind)
    return FileInfo(kind, FILE_NAMES[kind], name, present, stored["bytes"], sha256, url)
