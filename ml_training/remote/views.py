"""What an external trainer fetches of its run, and where it reports. Each asks for the run's token."""

from contextlib import suppress
from dataclasses import fields
from functools import wraps

from django.http import FileResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from api.strict_json import read_json
from catalog.models import ProductImage
from ml_training.backbones.loader import find_backbone
from ml_training.remote import handover
from ml_training.remote.callbacks import Report, take_report
from ml_training.remote.tokens import BAD_INPUT, PREFIX, TOKEN_UNKNOWN, CallbackRefused, run_of
from ml_training.storage import storage

MAX_REPORT = 16 * 1024  # bytes
BINARY = "application/octet-stream"


def with_run(view):
    """Give a view the run that the request's token opens, or answer with why not."""

    @csrf_exempt
    @wraps(view)
    def opened(request, run_id: int, **kwargs):
        try:
            return view(request, run_of(bearer(request), run_id), **kwargs)
        except CallbackRefused as refused:
            return problem(refused.status, refused.code, str(refused))

    return opened


def bearer(request) -> str:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not value.startswith(PREFIX):
        raise CallbackRefused(TOKEN_UNKNOWN, "Send the run's token: Authorization: Bearer shr_…")
    return value.strip()


def problem(status: int, code: str, text: str) -> JsonResponse:
    """The form in which GraphQL answers too."""
    return JsonResponse({"errors": [{"message": text, "extensions": {"code": code}}]}, status=status)


@require_POST
@with_run
def run_status(request, run):
    """The webhook."""
    if len(body := request.read(MAX_REPORT + 1)) > MAX_REPORT:
        return problem(413, BAD_INPUT, f"A report has at most {MAX_REPORT} bytes.")
    try:
        reported = read_json(body)
        names = {field.name for field in fields(Report)} & set(reported)
        report = Report(**{name: reported[name] for name in names})
    except (ValueError, TypeError) as error:
        raise CallbackRefused(
            BAD_INPUT, "A report is a JSON object with kind, and phase, percent, message."
        ) from error
    take_report(run, report)
    return JsonResponse({"run": run.pk, "taken": report.kind})


@require_GET
@with_run
def run_manifest(request, run):
    file = storage().open(handover.manifest_path(run), "rb")
    return FileResponse(file, content_type="application/x-ndjson")


@require_GET
@with_run
def run_photo(request, run, pk: int):
    """A photo of the run's shop, byte for byte."""
    photo = ProductImage.objects.filter(pk=pk, product__shop_id=run.shop_id).first()
    with suppress(FileNotFoundError):
        if photo is not None:
            return FileResponse(photo.image.open("rb"), content_type=BINARY)
    return problem(404, "NOT_FOUND", f"There is no photo {pk} in this shop any more.")


@require_GET
@with_run
def run_backbone(request, run):
    """The encoder that the model is to be made for."""
    backbone = find_backbone(run.backbone)
    return FileResponse(
        backbone.path.open("rb"), content_type=BINARY, headers={"ETag": f'"{backbone.sha256}"'}
    )
