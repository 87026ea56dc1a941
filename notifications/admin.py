"""A user's own notifications, to look through."""

from django.contrib import admin

from notifications.inbox import inbox
from notifications.models import Notification


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    list_display = ["title", "message", "level", "created_at", "read_at"]
    list_filter = ["level"]

    def get_queryset(self, request):
        return inbox(request.user)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        """They go with their shop or their person, deleted on another page; not by themselves."""
        match = request.resolver_match
        return match is not None and not str(match.url_name).startswith("notifications_notification")
