"""Shops in the admin, with what they choose for their tills: one more table behind the same form."""

from django import forms
from django.contrib import admin

from catalog.models import Shop
from ml_training.web.shop_admin import LearningShopAdmin, LearningShopForm
from till.models import TillSettings

SETTINGS = forms.fields_for_model(TillSettings, ["keeps_photos"])


class TillShopForm(LearningShopForm):
    keeps_photos = SETTINGS["keeps_photos"]

    class Meta(LearningShopForm.Meta):
        labels = LearningShopForm.Meta.labels | {name: field.label for name, field in SETTINGS.items()}
        help_texts = LearningShopForm.Meta.help_texts | {
            name: field.help_text for name, field in SETTINGS.items()
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial = {**forms.model_to_dict(TillSettings.of(self.instance), SETTINGS), **self.initial}


class TillShopAdmin(LearningShopAdmin):
    form = TillShopForm
    fields = [*LearningShopAdmin.fields[:-1], *SETTINGS, "members"]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        settings = {name: form.cleaned_data[name] for name in SETTINGS if name in form.changed_data}
        if settings:
            TillSettings.objects.update_or_create(shop=obj, defaults=settings)

    @admin.display(boolean=True)
    def keeps_photos(self, shop):
        return TillSettings.of(shop).keeps_photos


def connect():
    admin.site.unregister(Shop)
    admin.site.register(Shop, TillShopAdmin)
