"""System checks: a misconfiguration is named at start, with what to do."""

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register


@register(Tags.compatibility)
def check_queue(app_configs, **kwargs):
    queue = settings.Q_CLUSTER
    if queue.get("retry", 0) <= queue.get("timeout", 0):
        yield Error(
            "Q_CLUSTER['retry'] must be longer than Q_CLUSTER['timeout'].",
            hint="Otherwise a long run is started a second time while it still works.",
            id="ml_training.E001",
        )
    if settings.HEARTBEAT_LIMIT_SECONDS < 2 * settings.HEARTBEAT_SECONDS:
        yield Error(
            "HEARTBEAT_LIMIT_SECONDS must be at least twice HEARTBEAT_SECONDS.",
            hint="Otherwise one late heartbeat looks like a dead worker.",
            id="ml_training.E002",
        )


@register(Tags.security, deploy=True)
def check_channel_layer(app_configs, **kwargs):
    if not settings.REDIS_URL:
        yield Warning(
            "REDIS_URL is not set: the web server does not hear from the worker; pages fall back to polling.",
            hint="Set REDIS_URL to a Redis or Valkey server that all processes reach.",
            id="ml_training.W001",
        )
