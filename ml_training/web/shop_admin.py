"""Shops in the admin, with the settings of their training: one form, kept in two tables."""

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget

from catalog.admin.compared import ComparedForm
from catalog.admin.shops import ShopAdmin
from catalog.hours import check_hours
from catalog.models import Shop
from ml_training.models import ShopTraining

SETTINGS = forms.fields_for_model(
    ShopTraining,
    ["names_wrong_choice", "foreign_shown_choice", "deep_hours"],
    widgets={"deep_hours": AdminTextInputWidget},
)


class LearningShopForm(ComparedForm):
    names_wrong_choice = SETTINGS["names_wrong_choice"]
    foreign_shown_choice = SETTINGS["foreign_shown_choice"]
    deep_hours = SETTINGS["deep_hours"]

    class Meta:
        model = Shop
        fields = ["name", "slug", "currency", "members"]
        # For those who may only look: Django then asks the form's Meta, since the model has no such fields.
        labels = {name: field.label for name, field in SETTINGS.items()}
        help_texts = {name: field.help_text for name, field in SETTINGS.items()}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial = {**forms.model_to_dict(ShopTraining.of(self.instance), SETTINGS), **self.initial}

    def clean_deep_hours(self):
        """Ask what the model's field asks for; the form's field knows all the rest by itself."""
        check_hours(self.cleaned_data["deep_hours"])
        return self.cleaned_data["deep_hours"]


class LearningShopAdmin(ShopAdmin):
    form = LearningShopForm
    fields = ["name", "slug", "currency", *SETTINGS, "members"]

    def save_model(self, request, obj, form, change):
        """The row counts changes of photos meanwhile, so nothing else of it is written."""
        super().save_model(request, obj, form, change)
        settings = {name: form.cleaned_data[name] for name in SETTINGS if name in form.changed_data}
        if settings:
            ShopTraining.objects.update_or_create(shop=obj, defaults=settings)

    def names_wrong_choice(self, shop):
        return ShopTraining.of(shop).get_names_wrong_choice_display()

    def foreign_shown_choice(self, shop):
        return ShopTraining.of(shop).get_foreign_shown_choice_display()

    def deep_hours(self, shop):
        return ShopTraining.of(shop).deep_hours


def connect():
    admin.site.unregister(Shop)
    admin.site.register(Shop, LearningShopAdmin)
