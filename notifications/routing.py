"""Websocket addresses."""

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from notifications.consumers import NotificationConsumer

consumer: Any = NotificationConsumer.as_asgi()  # Django's `path` expects views
nobody: Any = WebsocketDenier.as_asgi()
websocket_urlpatterns: list[Any] = [path("ws/notifications/", consumer), re_path("", nobody)]
