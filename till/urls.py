from django.urls import path

from till import intake, shell, views

urlpatterns = [
    path("", shell.page, name="till"),
    path("check", shell.check, name="till-check"),
    path("sw.js", shell.service_worker, name="till-sw"),
    path("manifest.webmanifest", shell.manifest, name="till-manifest"),
    path("worker.js", shell.worker, name="till-worker"),
    path("vendor/<str:digest>/<str:name>.wasm", shell.wasm, name="till-wasm"),
    path("state.json", views.state, name="till-state"),
    path("files/<str:sha256>.onnx", views.model_file, name="till-file"),
    path("thumbnails/<int:pk>/<str:sha256>.jpg", views.thumbnail, name="till-thumbnail"),
    path("corrections/", intake.receive, name="till-corrections"),
]
