"""Tills in the admin: added there, their code shown once, revoked there."""

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.admin.compared import ComparedAdmin, ComparedForm
from catalog.admin.shops import ask_no_shop, sees_many_shops, sees_shops
from catalog.models import Shop
from catalog.scopes import permissions_of
from catalog.tokens import ApiToken, check_is_to_come
from till.devices import make_token, pairing_address
from till.models import Till
from till.permissions import TILL

QR_SCALE = 6  # pixels of a module: a phone reads it from a screen


class TillForm(ComparedForm):
    """A till's own row says little: what people give it belongs to its token."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What you call the device, such as Counter 1.")
    )
    shop = forms.ModelChoiceField(Shop.objects.none(), label=_("Shop"), empty_label=None)
    expires_at = forms.SplitDateTimeField(
        label=_("Expires"),
        required=False,
        widget=AdminSplitDateTime,
        validators=[check_is_to_come],
        help_text=_("Empty: never."),
    )

    class Meta:
        model = Till
        fields: list[str] = []

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.setdefault("name", self.instance.token.name)


@admin.register(Till)
class TillAdmin(ComparedAdmin):
    form = TillForm
    list_select_related = ["token__shop"]
    search_fields = ["token__name"]
    actions = ["revoke"]

    def get_queryset(self, request):
        shops = Shop.objects.visible_to(request.user)
        return super().get_queryset(request).select_related("token").filter(token__shop__in=shops)

    def has_add_permission(self, request):
        """Nobody gives a device more than they may do themselves."""
        may_give = request.user.has_perms(permissions_of([TILL]))
        return super().has_add_permission(request) and may_give and sees_shops(request)

    def get_list_display(self, request):
        shop = ["of_shop"] if sees_many_shops(request) else []
        return ["name", *shop, "state", "expires", "last_seen", "version"]

    def get_fields(self, request, obj=None):
        if obj is None:
            return ["name", *(["shop"] if sees_many_shops(request) else []), "expires_at"]
        return ["name", *self.get_readonly_fields(request, obj)]

    def get_readonly_fields(self, request, obj=None):
        return [] if obj is None else ["of_shop", "state", "expires", "last_seen", "version"]

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        ask_no_shop(request, form)
        wanted = self.get_fields(request, obj)
        for name in [name for name in form.base_fields if name not in wanted]:
            del form.base_fields[name]
        if "shop" in form.base_fields:
            shops = Shop.objects.visible_to(request.user)
            form.base_fields["shop"] = forms.ModelChoiceField(shops, label=_("Shop"), empty_label=None)
        return form

    def save_model(self, request, obj, form, change):
        name = form.cleaned_data["name"]
        if change:
            obj.token.name = name
            obj.token.save(update_fields=["name"])
            return
        shop = form.cleaned_data.get("shop") or Shop.objects.visible_to(request.user).first()
        obj.token = make_token(shop, name, form.cleaned_data["expires_at"], request.user)
        super().save_model(request, obj, form, change)

    def response_add(self, request, obj, post_url_continue=None):
        """Show the code on the page that answers, the only time: not even a session keeps it."""
        address = pairing_address(request.build_absolute_uri("/"), obj.token.secret)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Scan the code now"),
            "opts": self.opts,
            "till": obj,
            "address": address,
            "code": segno.make(address, error="m").svg_data_uri(scale=QR_SCALE, border=4, light="white"),
            "is_secure": request.is_secure(),
        }
        response = TemplateResponse(request, "admin/till/till/made.html", context)
        add_never_cache_headers(response)
        return response

    def delete_model(self, request, obj):
        obj.token.delete()  # and the till with it: none is left with a token that nobody sees

    def delete_queryset(self, request, queryset):
        ApiToken.objects.filter(till__in=queryset).delete()

    @admin.display(description=_("name"), ordering="token__name")
    def name(self, till):
        return till.token.name

    @admin.display(description=_("shop"), ordering="token__shop")
    def of_shop(self, till):
        return till.token.shop

    @admin.display(description=_("state"))
    def state(self, till):
        if till.token.revoked_at:
            return _("revoked")
        return _("expired") if till.token.problem else _("active")

    @admin.display(description=_("expires"), ordering="token__expires_at")
    def expires(self, till):
        return till.token.expires_at or _("never")

    @admin.display(description=_("last seen"), ordering="token__last_used_at")
    def last_seen(self, till):
        return till.token.last_used_at or _("not yet")

    @admin.action(description=_("Revoke the selected tills"), permissions=["change"])
    def revoke(self, request, queryset):
        tills = list(queryset.filter(token__revoked_at=None))
        for till in tills:
            till.token.revoke()
            self.log_change(request, till, "Revoked.")
        text = ngettext("%d till revoked.", "%d tills revoked.", len(tills)) % len(tills)
        messages.success(request, _("%s It forgets everything as soon as it is online.") % text)
