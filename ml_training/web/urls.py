"""The addresses of Settings > ML Model, below the admin's own."""

from collections.abc import Callable

from django.urls import URLPattern, path

from ml_training.web import advice, page, versions


def page_urls(admin_view: Callable) -> list[URLPattern]:
    """All of them, each view wrapped by the admin site: whoever is no staff is sent to the login."""
    views = {
        "ml_model": ("", page.ml_model_page),
        "ml_model_sections": ("sections/", page.sections),
        "ml_model_prepare": ("prepare/", page.prepare),
        "ml_model_cancel_deep": ("cancel-deep/", page.cancel_deep),
        "ml_model_move_photo": ("advice/move/", advice.move_photo),
        "ml_model_activate": ("versions/activate/", versions.activate),
        "ml_model_learned_photos": ("versions/<int:number>/photos/", versions.learned_photos),
    }
    return [
        path(f"settings/ml-model/{at}", admin_view(view), name=name) for name, (at, view) in views.items()
    ]
