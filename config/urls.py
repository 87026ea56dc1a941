"""URLs of the project."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.graphql import GraphQLEndpoint
from config.schema import schema

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("graphql/", GraphQLEndpoint.as_view(schema=schema), name="graphql"),
    path("", include("catalog.urls")),
    path("", include("ml_training.urls")),
]
