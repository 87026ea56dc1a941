"""What the ML Model page, the API and the socket say of a shop's training: one function for all of them."""

from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.db.models import Count
from django.urls import reverse

from catalog.models import Product, ProductImage, Shop
from ml_training import artifacts
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.recognizer.export import FILES

IDLE, QUEUED, TRAINING, ACTIVE, FAILED = "idle", "queued", "training", "active", "failed"
LABELS = {IDLE: "Idle", QUEUED: "Queued", TRAINING: "Training", ACTIVE: "Active", FAILED: "Failed"}
FILE_NAMES = {"model_json": "Model JSON", "weights": "Model weights", "metadata": "Metadata", "onnx": "ONNX"}


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
    status: str  # idle, queued, training, active or failed
    progress: float  # in [0, 1]; 0 unless training
    phase: str
    started_at: datetime | None
    last_trained_at: datetime | None
    error: str
    message: str  # what to do next, or what is missing
    products: int  # active products
    photos: int  # photos of active products
    has_active_model: bool
    version: int | None
    set_aside: list[dict] = field(default_factory=list)
    files: list[FileInfo] = field(default_factory=list)

    @property
    def label(self) -> str:
        return LABELS[self.status]

    @property
    def percent(self) -> int:
        return round(100 * self.progress)

    @property
    def files_present(self) -> int:
        return sum(file.present for file in self.files)

    def as_json(self) -> dict:
        """For the socket: dates as ISO 8601."""
        data = asdict(self)
        for name in ("started_at", "last_trained_at"):
            data[name] = data[name] and data[name].isoformat()
        return data | {"label": self.label, "percent": self.percent, "files_present": self.files_present}


def training_info(shop: Shop) -> TrainingInfo:
    """Read a shop's training status, in five queries whatever the number of products, photos and runs."""
    state = ShopTraining.objects.select_related("active_version__run").filter(shop=shop).first()
    version = state.active_version if state else None
    latest = TrainingRun.objects.filter(shop=shop).exclude(status="superseded")
    latest_run = latest.first()
    running = latest.filter(status="training").first() if _may_run_before(latest_run) else latest_run
    run = running or latest_run
    ended = latest.filter(status__in=["completed", "failed"]).first()
    counts = Product.objects.filter(shop=shop, is_active=True).aggregate(products=Count("pk"))
    photos = ProductImage.objects.filter(product__shop=shop, product__is_active=True).count()
    status = _status(run, ended, version)
    return TrainingInfo(
        shop_id=shop.pk,
        shop_name=shop.name,
        status=status,
        progress=run.progress if status == TRAINING else 0.0,
        phase=run.get_phase_display() if status in (QUEUED, TRAINING) else "",
        started_at=run.started_at if status == TRAINING else None,
        last_trained_at=version.created_at if version else None,
        error=ended.error if status == FAILED else "",
        message=_message(status, ended, version),
        products=counts["products"],
        photos=photos,
        has_active_model=version is not None,
        version=version.number if version else None,
        set_aside=ended.set_aside if ended else [],
        files=_files(version),
    )


def _may_run_before(run: TrainingRun | None) -> bool:
    return run is not None and run.status == "queued"


def _status(run: TrainingRun | None, ended: TrainingRun | None, version: ModelVersion | None) -> str:
    if run and run.status in (QUEUED, TRAINING):
        return run.status
    if ended and ended.status == FAILED:
        return FAILED
    return ACTIVE if version else IDLE


def _message(status: str, ended: TrainingRun | None, version: ModelVersion | None) -> str:
    if status == FAILED:
        serving = f"Version {version.number} goes on serving." if version else "No model serves yet."
        return f"{serving} A change of any photo also starts a new run."
    if status == IDLE or (ended and ended.status == "completed" and not hasattr(ended, "version")):
        return (
            ended and ended.message
        ) or "Add photos of at least two products; the recogniser trains itself."
    return ""


def _files(version: ModelVersion | None) -> list[FileInfo]:
    if version is None:
        return [FileInfo(kind, FILE_NAMES[kind], name, False) for kind, name in FILES.items()]
    return [_file(version, kind) for kind in FILES]


def _file(version: ModelVersion, kind: str) -> FileInfo:
    stored = version.files[kind]
    name, sha256 = stored["name"], stored["sha256"]
    url = reverse("model-file", args=[version.pk, sha256, name])
    return FileInfo(
        kind, FILE_NAMES[kind], name, artifacts.is_present(version, kind), stored["bytes"], sha256, url
    )
