"""People in the admin: a superuser removes the second factor of whoever has lost the phone.

The devices themselves are not shown: whoever sees their secrets could make codes of other people.
"""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.logins.journal import note_removal
from config.logins.second_factor import remove

admin.site.unregister([User, TOTPDevice, StaticDevice])


@admin.register(User)
class PersonAdmin(UserAdmin):
    actions = ["remove_second_factor"]

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
