"""The button on Settings > ML Model that ends a deep training."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from ml_training.permissions import PREPARE_TRAINING
from ml_training.runs.deep import lifecycle as deep_lifecycle
from ml_training.web.page import chosen_shop


@require_POST
def cancel_deep(request):
    """Cancel the shop's deep training; the active model stays."""
    shop, _ = chosen_shop(request)
    if shop is None or not request.user.has_perm(PREPARE_TRAINING):
        raise PermissionDenied
    text = "Deep training is cancelled. The active model stays as it is."
    if not deep_lifecycle.cancel(shop):
        text = "There is no deep training any more."
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"message": text})
    messages.info(request, text)
    return redirect(f"{reverse('admin:ml_model')}?shop={shop.slug}")
