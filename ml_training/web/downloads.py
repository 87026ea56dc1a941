"""Serves model files and the manifest to those who may see them, people and programs.

The address of a model file carries its hash: it may be kept for ever.
"""

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, Http404, StreamingHttpResponse
from django.views.decorators.http import require_safe

from catalog.access import access_required
from catalog.permissions import VIEW_PHOTOS
from catalog.scopes import READ
from ml_training.dataset.stream import in_steps, manifest_chunks
from ml_training.models import ModelVersion
from ml_training.permissions import TRAIN, VIEW_VERSIONS
from ml_training.storage import storage


@require_safe
@access_required(VIEW_VERSIONS, READ, TRAIN)
def model_file(request, pk: int, sha256: str, name: str):
    version = ModelVersion.objects.filter(pk=pk, shop__in=request.access.shops()).first()
    described = [file["sha256"] for file in version.files.values() if file["name"] == name] if version else []
    if version is None or described[:1] != [sha256]:
        raise Http404("There is no such model file, or you may not see it.")
    if not version.has_files:
        raise Http404(f"The files of version {version.number} were removed, as newer versions are there.")
    try:
        file = storage().open(f"{version.folder}/{name}", "rb")
    except FileNotFoundError as error:
        raise Http404(f"{name} of version {version.number} is missing from the storage.") from error
    response = FileResponse(file, as_attachment=True, filename=f"v{version.number}-{name}")
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@require_safe
@access_required(VIEW_PHOTOS, READ, TRAIN)
def manifest(request, slug: str):
    """What the recogniser learns from, as lines of JSON."""
    shop = request.access.shops().filter(slug=slug).first()
    if shop is None:
        raise Http404("There is no such shop, or you may not see it.")
    lines = manifest_chunks(shop)
    chunks = in_steps(lines) if isinstance(request, ASGIRequest) else lines
    response = StreamingHttpResponse(chunks, content_type="application/x-ndjson")
    response["Cache-Control"] = "no-store"
    return response
