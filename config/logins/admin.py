"""People and their groups in the admin: nobody gives more than they may do, or decides on who may do more.

A superuser removes the second factor of whoever has lost the phone. The devices themselves are not shown:
whoever sees their secrets could make codes of other people.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from catalog.admin.compared import ComparedAdmin, ComparedForm
from catalog.models import Shop
from config.logins.journal import note_removal
from config.logins.second_factor import remove

admin.site.unregister([User, Group, TOTPDevice, StaticDevice])


def not_given_by(user: Any) -> QuerySet[Permission]:
    """The permissions that somebody does not have, and so gives to nobody."""
    if user.is_superuser:
        return Permission.objects.none()
    own = user.get_all_permissions()
    every = Permission.objects.select_related("content_type")
    has = [one.pk for one in every if f"{one.content_type.app_label}.{one.codename}" in own]
    return Permission.objects.exclude(pk__in=has)


class Decides(ComparedAdmin):
    """Rows that hold rights: what they offer, and whether one may be changed, is a matter of one's own."""

    def rights_of(self, row: Any) -> QuerySet[Permission]:
        raise NotImplementedError

    def is_above(self, request: HttpRequest, row: Any) -> bool:
        """Whether a row is not one's own to decide on, whatever rights it holds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_decide_on(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_decide_on(request, obj)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the rights that one has, and the groups that have no others."""
        too_much = not_given_by(request.user)
        if db_field.related_model is Permission:
            kwargs["queryset"] = Permission.objects.exclude(pk__in=too_much).select_related("content_type")
        elif db_field.related_model is Group:
            kwargs["queryset"] = Group.objects.exclude(permissions__in=too_much)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _may_decide_on(self, request: HttpRequest, row: Any) -> bool:
        if row is None or request.user.is_superuser:
            return True
        return (
            not self.is_above(request, row)
            and not self.rights_of(row).filter(pk__in=not_given_by(request.user)).exists()
        )


class PersonForm(ComparedForm, UserChangeForm):
    """Django's own, which compares what it was opened with."""


@admin.register(User)
class PersonAdmin(Decides, UserAdmin):
    form = PersonForm
    actions = ["remove_second_factor"]

    def get_readonly_fields(self, request, obj=None):
        dates = ["last_login", "date_joined"]
        return dates if request.user.is_superuser else [*dates, "is_superuser"]

    def get_queryset(self, request):
        """People of one's own shops, and of none: a shopkeeper does not see who else has a login."""
        people = super().get_queryset(request)
        if request.user.is_superuser:
            return people
        own = Q(shops__in=Shop.objects.visible_to(request.user)) | Q(shops=None) | Q(pk=request.user.pk)
        return people.filter(pk__in=User.objects.filter(own).values("pk"))

    def is_above(self, request, row):
        """Superusers, and people who also see a shop that one does not see."""
        elsewhere = row.shops.exclude(pk__in=Shop.objects.visible_to(request.user))
        return row.is_superuser or (row.pk != request.user.pk and elsewhere.exists())

    def rights_of(self, row):
        return Permission.objects.filter(Q(user=row) | Q(group__user=row)).distinct()

    def has_reset_permission(self, request) -> bool:
        return request.user.is_superuser

    @admin.action(description=_("Remove two-step login (lost phone)"), permissions=["reset"])
    def remove_second_factor(self, request, queryset):
        removed = [user for user in queryset if remove(user)]
        for user in removed:
            note_removal(user, request.user.get_username())
        text = ngettext(
            "%(count)d person logs in with the password alone now, and was logged out.",
            "%(count)d people log in with the password alone now, and were logged out.",
            len(removed),
        )
        self.message_user(request, text % {"count": len(removed)}, messages.SUCCESS)


@admin.register(Group)
class RightsAdmin(Decides, GroupAdmin):
    def rights_of(self, row):
        return row.permissions.all()
