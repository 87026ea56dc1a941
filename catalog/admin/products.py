"""Products in the admin: many photos at once, thumbnails, reorder, filters."""

import errno
from contextlib import suppress
from typing import cast
from weakref import WeakKeyDictionary

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from catalog.activity.photos import photos_together, record_reordered
from catalog.admin.forms import ProductForm
from catalog.admin.photos import PhotoCountFilter, PhotoInline, check_may_do_all, thumbnail_html
from catalog.admin.shops import ShopFilter, ShopRowsAdmin, ask_no_shop, sees_many_shops
from catalog.admin.stale import as_new
from catalog.formatting import counted
from catalog.models import Product, ProductImage, Shop, check_upload
from catalog.moving import MoveRefused, move_photos
from catalog.permissions import ADD_PHOTOS, CHANGE_PHOTOS
from catalog.photos.undo import files_undone_on_failure
from catalog.signals import photos_added_in_form

# What a form added, until the transaction that it was saved in has committed.
_added: WeakKeyDictionary[HttpRequest, tuple[Product, list[ProductImage]]] = WeakKeyDictionary()


def _is_deleted(pk: str) -> bool:
    """Whether this is the id of a product that nobody has any more."""
    is_id = pk.isascii() and pk.isdecimal() and len(pk) < 19
    return is_id and not Product.objects.filter(pk=pk).exists()


@admin.register(Product)
class ProductAdmin(ShopRowsAdmin):
    form = ProductForm
    inlines = [PhotoInline]
    search_fields = ["name", "sku", "barcode"]
    list_display_links = ["cover", "name"]
    list_per_page = 50
    list_select_related = ["shop"]
    actions = ["switch_on", "switch_off"]

    class Media:
        css = {"all": ["catalog/products.css"]}
        js = ["catalog/products.js"]

    def get_queryset(self, request):
        first = ProductImage.objects.filter(product=OuterRef("pk")).order_by("position", "pk")
        return (
            super()
            .get_queryset(request)
            .annotate(
                photo_count=Count("images"),
                cover_pk=Subquery(first.values("pk")[:1]),
                cover_sha256=Subquery(first.values("sha256")[:1]),
            )
        )

    def get_list_display(self, request):
        return ["cover", "name", "sku", "barcode", *self.shop_field(request), "photos", "is_active"]

    def get_list_filter(self, request):
        shop = [ShopFilter] if sees_many_shops(request) else []
        return [*shop, PhotoCountFilter, "is_active"]

    def get_fields(self, request, obj=None):
        photos = ["new_photos"] if self._may_add_photos(request, obj) else []
        return ["name", "sku", "barcode", "price", "unit", "is_active", *self.shop_field(request), *photos]

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = cast("type[ProductForm]", super().get_form(request, obj, change, **kwargs))
        if not self._may_add_photos(request, obj):
            form.base_fields.pop("new_photos", None)
        if not self._may_move_photos(request, obj):
            form.base_fields.pop("move_to", None)
        form.is_gone = getattr(request, "product_is_gone", False)
        ask_no_shop(request, form)
        return form

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Decode new photos before Django opens its transaction, which keeps others from writing.

        The form of a product that was deleted meanwhile is shown again, to add it anew.
        """
        _added.pop(request, None)  # of a first try that met somebody else's
        check_may_do_all(request)
        if request.method == "POST":
            for file in request.FILES.getlist("new_photos") if request.user.has_perm(ADD_PHOTOS) else ():
                with suppress(ValidationError):  # the form will say it
                    check_upload(file, file.name)
            if object_id and self._is_to_add(request, object_id):
                request.POST, request.product_is_gone = as_new(request.POST, "images"), True
                object_id, form_url = None, reverse("admin:catalog_product_add")
        try:
            with files_undone_on_failure():
                response = super().changeform_view(request, object_id, form_url, extra_context)
        except Http404:
            if request.method != "POST" or not object_id or not self._is_to_add(request, object_id):
                raise
            return self.changeform_view(request, object_id, form_url, extra_context)  # deleted this moment
        if request in _added:  # saved by now, and nobody waits for a lock
            product, photos = _added.pop(request)
            photos_added_in_form.send_robust(ProductAdmin, request=request, product=product, photos=photos)
        return response

    def _is_to_add(self, request, object_id) -> bool:
        return _is_deleted(unquote(object_id)) and self.has_add_permission(request)

    def rows_to_save(self, request, object_id):
        """The product, and the one that photos are moved to."""
        text, own = request.POST.get("move_to", "").strip(), Product.objects.filter(pk=object_id)
        others = Product.objects.filter(shop__in=own.values("shop")) if text else own.none()
        targets = others.filter(Q(sku=text) | Q(name__iexact=text)).values_list("pk", flat=True)[:2]
        return [object_id, *targets]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "shop":
            kwargs["queryset"] = Shop.objects.visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="")
    def cover(self, product):
        if product.cover_pk is None:
            return format_html('<span class="photo-none">{}</span>', _("no photo"))
        return thumbnail_html(product.cover_pk, product.cover_sha256, "")

    @admin.display(description=_("photos"), ordering="photo_count")
    def photos(self, product):
        return product.photo_count

    def _may_add_photos(self, request, obj):
        may_save = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return may_save and request.user.has_perm(ADD_PHOTOS)

    def _may_move_photos(self, request, obj):
        may_save = obj is not None and self.has_change_permission(request, obj)
        return may_save and request.user.has_perm(CHANGE_PHOTOS)

    @photos_together()
    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if gone := sum(getattr(formset, "gone", 0) for formset in formsets):
            text = f"Somebody else has deleted or moved {counted(gone, 'photo')} of this form meanwhile."
            messages.warning(request, text)
        if any(getattr(formset, "is_reordered", False) for formset in formsets):
            record_reordered(form.instance)
        if target := form.cleaned_data.get("move_to"):
            marked = [pk for formset in formsets for pk in formset.marked]
            self._move_photos(request, form.instance, marked, target)
        self._add_photos(request, form.instance, form.cleaned_data.get("new_photos") or [])

    def _add_photos(self, request, product, files):
        last = product.images.order_by("-position").values_list("position", flat=True).first()
        start, added = (0 if last is None else last + 1), []
        for position, file in enumerate(files, start=start):
            try:
                with transaction.atomic(), photos_together():
                    photo = ProductImage(product=product, image=file, position=position)
                    photo.save()
                added.append(photo)
            except ValidationError as error:
                for text in error.messages:
                    messages.warning(request, text)
            except OSError as error:  # such as a full disk: what is stored stays, and the rest is not tried
                left = counted(len(files) - len(added), "photo")
                why = error.strerror or error
                do = "Make room on the server" if error.errno == errno.ENOSPC else "Ask your administrator"
                text = f"{left} could not be stored: {why}. {do}, then add them again."
                messages.error(request, text)
                break
        if added:
            messages.success(request, f"{counted(len(added), 'photo')} added. The recogniser is learning.")
            _added[request] = product, added

    def _move_photos(self, request, product, photos, target):
        try:
            moved = len(move_photos(photos, target))
        except MoveRefused as error:  # somebody was quicker since the form was checked
            messages.error(request, f"No photo was moved. {error}")
            return
        count = counted(moved, "photo")
        link = format_html(
            '<a href="{}">{}</a>', reverse("admin:catalog_product_change", args=[target.pk]), target
        )
        messages.success(request, format_html("{} moved to {}. The recogniser is learning.", count, link))
        self.log_change(request, target, f"Got {count} from {product}.")

    @admin.action(description=_("Switch on: recognise the selected products"), permissions=["change"])
    def switch_on(self, request, queryset):
        self._switch(queryset, True)

    @admin.action(description=_("Switch off: stop recognising the selected products"), permissions=["change"])
    def switch_off(self, request, queryset):
        self._switch(queryset, False)

    def _switch(self, queryset, is_active):
        with transaction.atomic():
            for product in queryset.exclude(is_active=is_active).order_by("pk"):
                product.is_active = is_active
                product.save(update_fields=["is_active"])
