from django.urls import path

from ml_training.remote import views as trainer_views
from ml_training.web import downloads as views

urlpatterns = [
    path("api/manifest/<slug:slug>.ndjson", views.manifest, name="manifest"),
    path("models/<int:pk>/<str:sha256>/<str:name>", views.model_file, name="model-file"),
    path("v1/runs/<int:run_id>/status", trainer_views.run_status, name="run-status"),
    path("v1/runs/<int:run_id>/manifest.ndjson", trainer_views.run_manifest, name="run-manifest"),
    path("v1/runs/<int:run_id>/photos/<int:pk>", trainer_views.run_photo, name="run-photo"),
    path("v1/runs/<int:run_id>/backbone.onnx", trainer_views.run_backbone, name="run-backbone"),
]
