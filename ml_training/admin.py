"""Runs and versions, to look at: they are written by training, never by hand."""

from django.contrib import admin

from catalog.models import Shop
from ml_training.models import ModelVersion, TrainingRun
from ml_training.wording import trigger_in_words


class ReadOnlyAdmin(admin.ModelAdmin):
    list_select_related = ["shop"]

    def get_queryset(self, request):
        return super().get_queryset(request).filter(shop__in=Shop.objects.visible_to(request.user))

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "shop", "why", "products", "photos", "created_at", "finished_at"]
    list_filter = ["status"]

    @admin.display(description="why")
    def why(self, run):
        return trigger_in_words(run)


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "shop", "backbone", "products", "photos", "created_at"]
