from django.urls import path

from ml_training import views

urlpatterns = [
    path("models/<int:pk>/<str:sha256>/<str:name>", views.model_file, name="model-file"),
]
