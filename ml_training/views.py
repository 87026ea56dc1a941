"""Serves model files to those who may see them. Their address carries the hash: they may be kept for ever."""

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404
from django.views.decorators.http import require_safe

from catalog.models import Shop
from ml_training import artifacts
from ml_training.models import ModelVersion


@login_required
@require_safe
def model_file(request, pk: int, sha256: str, name: str):
    if not request.user.has_perm("ml_training.view_modelversion"):
        raise Http404
    shops = Shop.objects.visible_to(request.user)
    version = ModelVersion.objects.filter(pk=pk, shop__in=shops).first()
    described = [file for file in version.files.values() if file["name"] == name] if version else []
    if not described or described[0]["sha256"] != sha256:
        raise Http404("There is no such model file, or you may not see it.")
    try:
        file = artifacts.storage().open(f"{version.folder}/{name}", "rb")
    except FileNotFoundError as error:
        raise Http404(f"{name} of version {version.number} is missing from the storage.") from error
    response = FileResponse(file, as_attachment=True, filename=f"v{version.number}-{name}")
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
