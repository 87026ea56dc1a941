"""System checks: a misconfiguration is named at start, with what to do."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.http.request import validate_host

from catalog.hours import HoursUnreadable, read_hours
from ml_training.remote.tokens import MIN_TOKEN_LENGTH, is_sound_token

LOCAL = {"localhost", "127.0.0.1", "::1"}


@register(Tags.compatibility)
def check_queue(app_configs, **kwargs):
    queue: dict[str, Any] = settings.Q_CLUSTER
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


@register(Tags.compatibility)
def check_trainer(app_configs, **kwargs):
    """What an external trainer needs, in a project that has one."""
    if not settings.ML_TRAINER_URL:
        return
    if not settings.PUBLIC_URL:
        yield Error(
            "ML_TRAINER_URL is set, and PUBLIC_URL is not.",
            hint="Set PUBLIC_URL to the address at which the trainer reaches this site.",
            id="ml_training.E003",
        )
        return
    if not is_sound_token(settings.ML_TRAINER_TOKEN):
        yield Error(
            f"ML_TRAINER_TOKEN must be a secret of {MIN_TOKEN_LENGTH} ASCII characters or more.",
            hint="Set the same long random secret here and on the trainer.",
            id="ml_training.E004",
        )
    public = urlsplit(settings.PUBLIC_URL)
    if not validate_host(public.hostname or "", settings.ALLOWED_HOSTS):
        yield Error(
            f"The host of PUBLIC_URL, {public.hostname}, is not in ALLOWED_HOSTS.",
            hint="Add it, or the trainer's reports are refused.",
            id="ml_training.E005",
        )
    if public.scheme == "http" and settings.SECURE_SSL_REDIRECT:
        yield Error(
            "PUBLIC_URL begins with http:, and this site redirects to https:.",
            hint="Write https:, or set HTTPS=0 where the site is really reached by http.",
            id="ml_training.E006",
        )
    for name in ("ML_TRAINER_URL", "PUBLIC_URL"):
        parts = urlsplit(getattr(settings, name))
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            yield Warning(
                f"{name} begins with http: tokens and photos cross the network in the clear.",
                hint="Use https:, or a private network that you trust.",
                id="ml_training.W002",
            )


@register(Tags.compatibility)
def check_custom_backbone(app_configs, **kwargs):
    """Whether a backbone of one's own is there, is the file it should be, and answers as it should."""
    if not settings.BACKBONE_FILE:
        return
    from ml_training.recognizer import custom_backbone as custom

    try:
        custom.open_custom_backbone(
            custom.read_custom_backbone(Path(settings.BACKBONE_FILE)), settings.CACHE_DIR
        )
    except custom.BackboneRefused as error:
        yield Error(str(error), hint="docs/backbones.md says how to make one.", id="ml_training.E007")


@register(Tags.compatibility)
def check_deep_hours(app_configs, **kwargs):
    try:
        read_hours(settings.DEEP_HOURS)
    except HoursUnreadable as error:
        yield Error(f"DEEP_HOURS: {error}", hint="Such as 20-6; empty for any hour.", id="ml_training.E008")
