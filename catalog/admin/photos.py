"""The photos of a product, as its form and the list of products show them."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from catalog.admin.move_form import PhotoForm, PhotoFormSet
from catalog.models import ProductImage
from catalog.permissions import ADD_PHOTOS, CHANGE_PHOTOS, DELETE_PHOTOS

MAX_PHOTOS = 5000  # of one product that its form can show; Django's own limit is 1,000


class PhotoInline(admin.TabularInline):
    model = ProductImage
    form = PhotoForm
    formset = PhotoFormSet
    extra = 0
    fields = ["picture", "filename", "size", "added_at", "position"]
    readonly_fields = ["picture", "filename", "size", "added_at"]
    template = "admin/catalog/product/photos.html"

    def get_formset(self, request, obj=None, **kwargs):
        return super().get_formset(request, obj, absolute_max=MAX_PHOTOS, **kwargs)

    def has_add_permission(self, request, obj=None):
        return False  # new photos come in through "Add photos"

    @admin.display(description=_("photo"))
    def picture(self, photo):
        return thumbnail_html(photo.pk, photo.sha256, photo.filename, link=True)

    @admin.display(description=_("size"))
    def size(self, photo):
        return f"{photo.width} × {photo.height}"


def thumbnail_html(pk, sha256, alt, link=False):
    """An <img> of a photo's thumbnail, linked to the original if asked."""
    source = reverse("photo-thumbnail", args=[pk, sha256])
    picture = format_html('<img class="photo-thumbnail" src="{}" alt="{}" loading="lazy">', source, alt)
    if not link:
        return picture
    return format_html('<a href="{}">{}</a>', reverse("photo", args=[pk, sha256]), picture)


class PhotoCountFilter(admin.SimpleListFilter):
    title = _("how many photos")
    parameter_name = "photos"
    RANGES = {"0": (0, 0), "1-4": (1, 4), "5-9": (5, 9), "10-": (10, 10**9)}  # from and to

    def lookups(self, request, model_admin):
        return [("0", _("none")), ("1-4", _("1 to 4")), ("5-9", _("5 to 9")), ("10-", _("10 and more"))]

    def queryset(self, request, queryset):
        wanted = self.RANGES.get(self.value() or "")
        return queryset.filter(photo_count__range=wanted) if wanted else queryset


def check_may_do_all(request: HttpRequest) -> None:
    """Refuse a form that does something with photos which its person may not do any more.

    Django would leave that away, and say that all was saved.

    Raises:
        PermissionDenied: it adds, moves, deletes or sorts photos without the right to.
    """
    asked = {
        ADD_PHOTOS: request.method == "POST" and bool(request.FILES.getlist("new_photos")),
        CHANGE_PHOTOS: bool(request.POST.get("move_to", "").strip()) or _is_sorted(request.POST),
        DELETE_PHOTOS: any(key.startswith("images-") and key.endswith("-DELETE") for key in request.POST),
    }
    if not all(request.user.has_perm(right) for right, is_asked in asked.items() if is_asked):
        raise PermissionDenied


def _is_sorted(data: QueryDict) -> bool:
    places = [key for key in data if key.startswith("images-") and key.endswith("-position")]
    return any(data[key] != data.get(f"initial-{key}", data[key]) for key in places)
