"""The product form of the admin, and its field for many photos at once."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from catalog.admin.compared import ComparedForm
from catalog.admin.move_form import OtherProductField
from catalog.models import Product, check_upload


class ManyPhotosInput(forms.FileInput):
    allow_multiple_selected = True

    def __init__(self, attrs=None):
        accept = "image/jpeg,image/png,image/webp,image/avif,image/heic,image/heif,.heic,.heif"
        super().__init__({"accept": accept, **(attrs or {})})

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["data-most"] = settings.DATA_UPLOAD_MAX_NUMBER_FILES  # for products.js
        return context


class ManyPhotosField(forms.FileField):
    """Several uploaded photos, each checked by decoding it; every bad one is named."""

    widget = ManyPhotosInput

    def __init__(self, **kwargs):
        super().__init__(allow_empty_file=True, **kwargs)  # `check_upload` says it, and names the file

    def has_changed(self, initial, data):
        return bool(data)

    def clean(self, data, initial=None):
        files, errors = [], []
        for item in data or []:
            try:
                file = super().clean(item, initial)
                check_upload(file, file.name)
                files.append(file)
            except ValidationError as error:
                errors.extend(error.messages)
        if errors:
            raise ValidationError(
                [*errors, f"Nothing was added. Choose the other {len(files)} again without these."]
                if files
                else errors
            )
        return files


class ProductForm(ComparedForm):
    new_photos = ManyPhotosField(
        required=False,
        label=_("Add photos"),
        help_text=_("Choose several at once, or drop them here. The recogniser learns them by itself."),
    )

    move_to = OtherProductField(required=False, label=_("Photos moved to"))

    class Meta:
        model = Product
        fields = ["shop", "name", "sku", "barcode", "price", "unit", "is_active"]

    is_gone = False  # whether the product was deleted while the form was open; set likewise

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        move_to = self.fields.get("move_to")
        if isinstance(move_to, OtherProductField):
            move_to.offer_others(self.instance)

    def clean(self):
        """Compare the SKU with the shop's others, also where the shop is no field of this form."""
        super().clean()
        if self.is_gone:
            text = _(
                "Somebody has deleted this product meanwhile. Save to add it again, with what stands here."
            )
            raise ValidationError(text)
        data = self.cleaned_data
        self.instance.photos_go_to = data.get("move_to")  # for `PhotoFormSet`
        if "shop" not in self.fields and self.instance.shop_id is None:
            self.instance.shop = self.only_shop
        shop = data.get("shop") or self.instance.shop_id
        others = Product.objects.filter(shop=shop, sku=data.get("sku")).exclude(pk=self.instance.pk)
        if others.exists():
            self.add_error("sku", _("Another product has this SKU already."))
        return data
