"""What staff are told: one row a recipient, unread until read."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Shop


class Notification(models.Model):
    class Kind(models.TextChoices):
        ML_TRAINING = "ML_TRAINING", _("Training")

    class Level(models.TextChoices):
        INFO = "info", _("Information")
        SUCCESS = "success", _("Success")
        WARNING = "warning", _("Warning")
        ERROR = "error", _("Error")

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications"
    )
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=20, choices=Kind)
    level = models.CharField(max_length=10, choices=Level)
    title = models.CharField(max_length=200)
    message = models.TextField(blank=True)
    link = models.CharField(max_length=300, blank=True)
    data = models.JSONField(default=dict, help_text=_("The event itself."))
    key = models.CharField(max_length=60, help_text=_("What it tells of: told once to each recipient."))
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["recipient", "key"], name="told_once")]
        indexes = [
            models.Index(fields=["recipient", "-id"], name="newest_notifications"),
            models.Index(
                fields=["recipient"], name="unread_notifications", condition=models.Q(read_at__isnull=True)
            ),
        ]

    def __str__(self):
        return self.title

    def as_json(self) -> dict:
        """For the socket: dates as ISO 8601."""
        return {
            "id": self.pk,
            "shop": self.shop_id,
            "kind": self.kind,
            "level": self.level,
            "title": self.title,
            "message": self.message,
            "link": self.link,
            "data": self.data,
            "created_at": self.created_at.isoformat(),
            "read": self.read_at is not None,
        }
