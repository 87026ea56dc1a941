"""Products in the admin, with what the recogniser learned from their photos.

Each photo says which versions learned it; deleting photos or products says the same, before where there is a
question, and after.
"""

import re
from contextlib import contextmanager

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from catalog.admin.photos import PhotoInline
from catalog.admin.products import ProductAdmin
from catalog.formatting import counted
from catalog.models import Product, ProductImage
from ml_training.permissions import VIEW_TRAINING, VIEW_VERSIONS
from ml_training.versions.provenance import in_words, spans_of, taught


class LearnedPhotoInline(PhotoInline):
    fields = [*PhotoInline.fields[:-1], "learned_by", *PhotoInline.fields[-1:]]  # the place comes last
    readonly_fields = [*PhotoInline.readonly_fields, "learned_by"]
    template = "admin/ml_model/product_photos.html"

    def get_fields(self, request, obj=None):
        hidden = [] if request.user.has_perm(VIEW_VERSIONS) else ["learned_by"]
        return [name for name in super().get_fields(request, obj) if name not in hidden]

    def get_formset(self, request, obj=None, **kwargs):
        """Read for all photos of the product at once, when its form is made, which versions learned them."""
        may_open = obj and request.user.has_perm(VIEW_TRAINING)
        self._page = f"{reverse('admin:ml_model')}?shop={obj.shop.slug}" if may_open else ""
        self._spans = spans_of(obj.images.all()) if obj and request.user.has_perm(VIEW_VERSIONS) else {}
        return super().get_formset(request, obj, **kwargs)

    @admin.display(description=_("learned by"))
    def learned_by(self, photo):
        words = in_words(self._spans.get(photo.pk, []))
        if not words:
            return _("not learned yet")
        return format_html("learned by {}", _linked(words, self._page) if self._page else words)


def _linked(words: str, page: str) -> SafeString:
    """Let each version's number lead to its entry in the list on the page."""
    link = '<a href="{}#ml-version-{}">{}</a>'
    parts = [
        (format_html(link, page, part, part) if part.isdecimal() else part,)
        for part in re.split(r"(\d+)", words)
    ]
    return format_html_join("", "{}", parts)


class LearningProductAdmin(ProductAdmin):
    inlines = [LearnedPhotoInline]
    change_form_template = "admin/ml_model/product_form.html"
    delete_confirmation_template = "admin/ml_model/delete_product.html"
    delete_selected_confirmation_template = "admin/ml_model/delete_products.html"

    class Media:
        css = {"all": ["ml_training/versions.css"]}

    def get_deleted_objects(self, objs, request):
        """Both questions whether to delete come by here: their templates show `request.taught`."""
        request.taught = _who_learned(request, _photos_of(objs), _their_photos(objs))
        return super().get_deleted_objects(objs, request)

    def save_formset(self, request, form, formset, change):
        deleted = [item.instance.pk for item in getattr(formset, "deleted_forms", []) if item.instance.pk]
        it = "it" if len(deleted) == 1 else "them"
        learned = _who_learned(request, deleted, it)
        super().save_formset(request, form, formset, change)
        if deleted:
            photos = counted(len(deleted), "photo")
            messages.info(request, f"{photos} deleted. {learned}A training without {it} is queued.")

    def delete_model(self, request, obj):
        with _told_afterwards(request, [obj]):
            super().delete_model(request, obj)

    def delete_queryset(self, request, queryset):
        with _told_afterwards(request, queryset):
            super().delete_queryset(request, queryset)


@contextmanager
def _told_afterwards(request, products):
    photos = list(_photos_of(products).values_list("pk", flat=True))
    them = _their_photos(products)
    learned = _who_learned(request, photos, them)
    yield
    if photos:
        messages.info(request, f"{learned}A training without {them} is queued.")


def _their_photos(products) -> str:
    return "its photos" if len(products) == 1 else "their photos"


def _photos_of(products):
    return ProductImage.objects.filter(product__in=products)


def _who_learned(request, photos, them: str) -> str:
    """Such as "Versions 3–7 learned from it. "; empty if there are none that this user may know of."""
    words = in_words(taught(photos)) if request.user.has_perm(VIEW_VERSIONS) else ""
    return f"{words.capitalize()} learned from {them}. " if words else ""


def connect():
    admin.site.unregister(Product)
    admin.site.register(Product, LearningProductAdmin)
