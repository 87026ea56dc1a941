"""Corrections in the admin: many at once, beside what the till said, to be taken as photos or refused."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.admin.photos import thumbnail_html
from catalog.admin.shops import ShopFilter, ShopRowsAdmin, sees_many_shops
from catalog.formatting import percent
from catalog.models import Product, ProductImage, Shop
from catalog.permissions import ADD_PHOTOS, CHANGE_PRODUCTS
from till.admin.filters import ProductFilter, SaidFilter, StateFilter
from till.models import Correction
from till.review import Taken, refuse, take

BESIDE = 2  # photos of a product that are shown beside a correction


class OtherProductForm(forms.Form):
    def __init__(self, shop: Shop, data=None):
        super().__init__(data)
        self.fields["product"] = forms.ModelChoiceField(Product.objects.filter(shop=shop), label=_("Product"))


@admin.register(Correction)
class CorrectionAdmin(ShopRowsAdmin):
    list_display_links = None
    list_per_page = 50
    list_select_related = ["said", "chosen", "till__token", "user"]
    search_fields = ["said_name", "chosen_name", "code"]
    actions = ["take", "take_for_another", "refuse"]

    class Media:
        css = {"all": ["catalog/products.css", "till_admin/corrections.css"]}

    def get_list_display(self, request):
        shop = self.shop_field(request)
        return ["picture", "said_product", "chosen_product", "code", "given", "sender", *shop, "received_at"]

    def get_list_filter(self, request):
        shop = [ShopFilter] if sees_many_shops(request) else []
        return [StateFilter, SaidFilter, ProductFilter, *shop]

    def get_readonly_fields(self, request, obj=None):
        return [field.name for field in self.opts.fields if field.name not in {"id", "photo"}]

    def get_fields(self, request, obj=None):
        return self.get_readonly_fields(request, obj)

    def has_add_permission(self, request):
        return False  # tills send them

    def has_take_permission(self, request):
        return self.has_change_permission(request) and request.user.has_perm(ADD_PHOTOS)

    def get_actions(self, request):
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # the figures are made of these rows; Refuse deletes the photo
        return actions

    def get_urls(self):
        view = self.admin_site.admin_view(self.photo_view)
        return [path("<int:pk>/photo.jpg", view, name="till_correction_photo"), *super().get_urls()]

    def photo_view(self, request, pk: int):
        """The photo that a till sent, for staff of its shop."""
        found = self.get_queryset(request).filter(pk=pk).exclude(photo="").first()
        if found is None or not self.has_view_permission(request, found):
            raise Http404
        try:
            with found.photo.open("rb") as file:
                content = file.read()
        except OSError as error:
            raise Http404 from error
        kept = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return HttpResponse(content, content_type="image/jpeg", headers=kept)

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": _("Corrections")} | (extra_context or {}))

    def get_changelist_instance(self, request):
        """Read the photos of all products that a page of the list shows in one query."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = list(changelist.result_list)
        products = {pk for row in changelist.result_list for pk in (row.said_id, row.chosen_id) if pk}
        beside = first_photos(products)
        for row in changelist.result_list:
            row.beside = beside
        return changelist

    @admin.display(description=_("photo"))
    def picture(self, correction):
        if not correction.photo:
            return format_html('<span class="photo-none">{}</span>', _("no photo"))
        source = reverse("admin:till_correction_photo", args=[correction.pk])
        picture = '<a href="{}"><img class="photo-thumbnail" src="{}" alt="{}" loading="lazy"></a>'
        return format_html(picture, source, source, _("what the till saw"))

    @admin.display(description=_("the till said"), ordering="said_name")
    def said_product(self, correction):
        if not correction.answer:
            return _("nothing: found by search")
        return self._product(correction, correction.said, correction.said_name, correction.said_id)

    @admin.display(description=_("chosen"), ordering="chosen_name")
    def chosen_product(self, correction):
        if correction.is_right:
            return format_html("<strong>{}</strong>", _("yes, right"))
        return self._product(correction, correction.chosen, correction.chosen_name, correction.chosen_id)

    def _product(self, correction, product, name: str, pk: int | None):
        pictures = [(thumbnail_html(photo, sha256, ""),) for photo, sha256 in correction.beside.get(pk, [])]
        photos = format_html_join("", "{}", pictures)
        return format_html('<div class="photo-row">{}</div>{}', photos, product.name if product else name)

    @admin.display(description=_("answer"), ordering="confidence")
    def given(self, correction):
        share = correction.confidence
        told = correction.get_answer_display()
        return told if share is None or not told else f"{told}, {percent(share)}"

    @admin.display(description=_("from"))
    def sender(self, correction):
        return correction.till or correction.user or "—"

    @admin.action(description=_("Take: add the photos to the chosen products"), permissions=["take"])
    def take(self, request, queryset):
        self._tell(request, take(queryset, request.user, with_barcode=self._may_change_products(request)))

    @admin.action(description=_("Take for another product …"), permissions=["take"])
    def take_for_another(self, request, queryset):
        """Ask which one; the same action is sent again with the answer."""
        shops = list(Shop.objects.filter(pk__in=queryset.order_by().values("shop"))[:2])
        if len(shops) != 1:
            messages.error(request, _("Choose photos of one shop."))
            return None
        form = OtherProductForm(shops[0], request.POST if "product" in request.POST else None)
        if form.is_valid():
            may_store = self._may_change_products(request)
            self._tell(request, take(queryset, request.user, form.cleaned_data["product"], may_store))
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Take for another product"),
            "opts": self.opts,
            "form": form,
            "corrections": list(queryset),
            "selected": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/till/correction/take_for_another.html", context)

    @admin.action(description=_("Refuse: delete the photos"), permissions=["change"])
    def refuse(self, request, queryset):
        refused = refuse(queryset, request.user)
        for correction in refused:
            self.log_change(request, correction, "Refused.")
        number = len(refused)
        text = ngettext("%d refused. Its photo is deleted.", "%d refused. Their photos are deleted.", number)
        messages.success(request, text % number)

    def _may_change_products(self, request) -> bool:
        return request.user.has_perm(CHANGE_PRODUCTS)

    def _tell(self, request, taken: Taken):
        for correction in taken.done:
            self.log_change(request, correction, "Taken.")
        for text in taken.problems:
            messages.warning(request, text)
        if taken.photos:
            text = ngettext(
                "%d photo added. The recogniser is learning.",
                "%d photos added. The recogniser is learning.",
                taken.photos,
            )
            messages.success(request, text % taken.photos)
        if taken.barcodes:
            text = ngettext("%d barcode stored.", "%d barcodes stored.", taken.barcodes)
            messages.success(request, text % taken.barcodes)
        if not (taken.photos or taken.barcodes or taken.problems):
            messages.info(request, _("Nothing to add: somebody was quicker, or there was no photo."))


def first_photos(products) -> dict[int, list[tuple[int, str]]]:
    """Primary key and SHA-256 of the first photos of some products, by product, in one query."""
    place = Window(RowNumber(), partition_by=F("product"), order_by=["position", "pk"])
    rows = ProductImage.objects.filter(product__in=products).annotate(place=place)
    found: dict[int, list[tuple[int, str]]] = {}
    for product, pk, sha256 in rows.filter(place__lte=BESIDE).values_list("product", "pk", "sha256"):
        found.setdefault(product, []).append((pk, sha256))
    return found
