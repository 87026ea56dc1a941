"""URLs of the project."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from api.view import GraphQLEndpoint
from catalog.access import Access
from config.schema import schema
from ml_training.graphql.trainer import OF_RUN_TOKENS

handler500 = "config.bad_weather.say_what_failed"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path(
        "graphql/",
        GraphQLEndpoint.as_view(schema=schema, access=Access, open_fields=OF_RUN_TOKENS),
        name="graphql",
    ),
    path("till/", include("till.urls")),
    path("", include("catalog.urls")),
    path("", include("ml_training.urls")),
]
