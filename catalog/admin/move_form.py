"""The part of the product form that moves photos: a mark on each one, and the product that they go to."""

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _

from catalog.admin.stale import without_gone
from catalog.models import Product
from catalog.moving import MoveRefused, check_move

MAX_OFFERED = 2000  # products that the browser completes; the others are found all the same


class OtherProductField(forms.CharField):
    """Another product of the same shop, by its SKU or its name; the browser completes both."""

    LIST = "other-products"  # id of the <datalist> with `offered`

    def __init__(self, **kwargs):
        super().__init__(widget=forms.TextInput({"list": self.LIST, "autocomplete": "off"}), **kwargs)
        self.products = Product.objects.none()

    def offer_others(self, product: Product) -> None:
        self.products = Product.objects.filter(shop=product.shop_id).exclude(pk=product.pk)

    @property
    def offered(self):
        return self.products.values_list("sku", "name")[:MAX_OFFERED]

    def clean(self, value) -> Product | None:
        text = super().clean(value)
        if not text:
            return None
        named = self.products.filter(sku=text) or self.products.filter(name__iexact=text)
        found = list(named[:2])
        if not found:
            raise ValidationError(_("No other product of this shop has this SKU or name."))
        if len(found) > 1:
            raise ValidationError(_("Several products have this name. Enter the SKU."))
        return found[0]


class PhotoForm(forms.ModelForm):
    move = forms.BooleanField(required=False, label=_("Product"))  # the history says: changed Product

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "position" in self.fields:  # what it was when the form was opened: another's new order is kept
            self.fields["position"].show_hidden_initial = True


class PhotoFormSet(BaseInlineFormSet):
    """The photos of a product; `photos_go_to` of its product is set by `ProductForm`."""

    gone = 0  # photos of the form that the product has no more

    def __init__(self, data=None, files=None, instance=None, *, prefix=None, **kwargs):
        if data is not None and instance is not None and instance.pk:
            data, self.gone = without_gone(data, prefix or self.get_default_prefix(), instance)
        super().__init__(data, files, instance, prefix=prefix, **kwargs)

    @property
    def is_reordered(self) -> bool:
        return any("position" in form.changed_data for form in self.initial_forms)

    @property
    def marked(self) -> list[int]:
        """The photos that shall be moved, by id."""
        return [form.instance.pk for form in self._marked_forms()]

    def _marked_forms(self):
        return [form for form in self.initial_forms if getattr(form, "cleaned_data", {}).get("move")]

    def clean(self):
        super().clean()
        forms, target = self._marked_forms(), self.instance.photos_go_to
        if forms and not self.data.get("move_to", "").strip():
            raise ValidationError(_("Say which product the marked photos shall be moved to."))
        if target is None:
            return
        if not forms:
            raise ValidationError(_("Mark the photos that shall be moved to %s.") % target)
        if any(form.cleaned_data.get(DELETION_FIELD_NAME) for form in forms):
            raise ValidationError(_("A photo is marked to be moved and to be deleted. Choose one."))
        try:
            check_move([form.instance for form in forms], target)
        except MoveRefused as error:
            raise ValidationError(str(error)) from error
