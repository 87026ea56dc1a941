"""API tokens in the admin: made there, shown once, revoked there."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _

from catalog.admin.shops import ShopRowsAdmin, ask_no_shop
from catalog.models import Shop
from catalog.scopes import all_scopes, permissions_of
from catalog.tokens import ApiToken, check_is_to_come


@admin.register(ApiToken)
class ApiTokenAdmin(ShopRowsAdmin):
    list_select_related = ["shop", "created_by"]
    list_filter = ["revoked_at"]
    search_fields = ["name", "prefix"]
    actions = ["revoke"]

    def get_list_display(self, request):
        shop = self.shop_field(request)
        return ["name", "begins_with", *shop, "may", "state", "expires_at", "last_used_at", "created_by"]

    def get_fields(self, request, obj=None):
        fields = ["name", *self.shop_field(request), "scopes", "expires_at"]
        if obj is None:
            return fields
        return [*fields, "begins_with", "state", "created_at", "created_by", "last_used_at", "revoked_at"]

    def get_readonly_fields(self, request, obj=None):
        return [] if obj is None else [name for name in self.get_fields(request, obj) if name != "name"]

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        ask_no_shop(request, form)
        return form

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "expires_at":
            kwargs["validators"] = [check_is_to_come]
        if db_field.name != "scopes":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        may = request.user.has_perms
        return forms.MultipleChoiceField(
            choices=[(name, scope.label) for name, scope in all_scopes().items() if may(scope.permissions)],
            widget=forms.CheckboxSelectMultiple,
            label=_("It may"),
            error_messages={"invalid_choice": _("You may not give %(value)s: you may not do it yourself.")},
        )

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "shop":
            shops = Shop.objects.visible_to(request.user)
            kwargs |= {"queryset": shops, "initial": shops.first(), "empty_label": None}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        if not change:
            # Asked again of the person who saves: what a form offers was decided when it was made.
            if not request.user.has_perms(permissions_of(obj.scopes)):
                raise PermissionDenied
            obj.renew_secret()
            obj.created_by = request.user
            if obj.shop_id is None:
                obj.shop = Shop.objects.visible_to(request.user).first()
        super().save_model(request, obj, form, change)

    def response_add(self, request, obj, post_url_continue=None):
        """Show the secret on the page that answers, the only time: not even a session keeps it."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Copy the token now"),
            "opts": self.opts,
            "token": obj,
            "secret": obj.secret,
        }
        response = TemplateResponse(request, "admin/catalog/apitoken/made.html", context)
        add_never_cache_headers(response)
        return response

    @admin.display(description=_("begins with"))
    def begins_with(self, token):
        return f"{token.prefix}…"

    @admin.display(description=_("may"))
    def may(self, token):
        return ", ".join(token.scopes)

    @admin.display(description=_("state"))
    def state(self, token):
        return token.problem or _("holds")

    @admin.action(description=_("Revoke the selected tokens"), permissions=["change"])
    def revoke(self, request, queryset):
        tokens = list(queryset.filter(revoked_at=None))
        for token in tokens:
            token.revoke()
            self.log_change(request, token, "Revoked.")
        messages.success(request, f"{len(tokens)} revoked. Programs that use them are refused from now on.")
