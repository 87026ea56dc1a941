"""Shops in the admin, and whether its pages need to name them: who sees one shop never reads the word."""

from weakref import WeakKeyDictionary

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from catalog.admin.compared import ComparedAdmin, ComparedForm
from catalog.models import Shop

_seen: WeakKeyDictionary[HttpRequest, int] = WeakKeyDictionary()


def _shops_seen(request: HttpRequest) -> int:
    """0, 1, or 2 for several; asked of the database once a request."""
    if request not in _seen:
        _seen[request] = Shop.objects.visible_to(request.user)[:2].count()
    return _seen[request]


def sees_shops(request: HttpRequest) -> bool:
    """Whether a user sees any shop."""
    return _shops_seen(request) > 0


def sees_many_shops(request: HttpRequest) -> bool:
    """Whether a user sees more than one shop."""
    return _shops_seen(request) > 1


def ask_no_shop(request: HttpRequest, form: type[ModelForm]) -> None:
    """Give a `ComparedForm` the shop of whoever sees only one, and is not asked for it."""
    if issubclass(form, ComparedForm) and not sees_many_shops(request):
        form.only_shop = Shop.objects.visible_to(request.user).first()


class ShopRowsAdmin(ComparedAdmin):
    """Rows that belong to a shop: those of the shops that a user sees; who sees no shop adds none."""

    def get_queryset(self, request):
        return super().get_queryset(request).filter(shop__in=Shop.objects.visible_to(request.user))

    def has_add_permission(self, request):
        return super().has_add_permission(request) and sees_shops(request)

    def shop_field(self, request) -> list[str]:
        """The shop, as a column or a field of a form, where pages name it."""
        return ["shop"] if sees_many_shops(request) else []


class ShopFilter(admin.SimpleListFilter):
    title = _("shop")
    parameter_name = "shop"

    def lookups(self, request, model_admin):
        return [(shop.pk, shop.name) for shop in Shop.objects.visible_to(request.user)]

    def queryset(self, request, queryset):
        shops = {str(pk) for pk, _name in self.lookup_choices}
        return queryset.filter(shop=self.value()) if self.value() in shops else queryset


@admin.register(Shop)
class ShopAdmin(ComparedAdmin):
    list_display = ["name", "slug", "currency"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    filter_horizontal = ["members"]

    def get_queryset(self, request):
        queryset = super().get_queryset(request)
        return queryset.filter(pk__in=Shop.objects.visible_to(request.user))

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        """Offer as members the people of one's own shops: a shopkeeper does not see who else has a login."""
        if db_field.name == "members" and not request.user.is_superuser:
            shops = Shop.objects.visible_to(request.user)
            people = User.objects.filter(Q(shops__in=shops) | Q(pk=request.user.pk)).distinct()
            kwargs["queryset"] = people
        return super().formfield_for_manytomany(db_field, request, **kwargs)
