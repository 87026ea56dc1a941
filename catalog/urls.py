from django.urls import path

from catalog import views

urlpatterns = [
    path("photos/<int:pk>/<str:sha256>/", views.photo, name="photo"),
    path("photos/<int:pk>/<str:sha256>/thumbnail/", views.thumbnail, name="photo-thumbnail"),
]
