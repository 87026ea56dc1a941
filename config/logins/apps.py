"""Wires logins: how they are slowed down, logged and confirmed by a second step."""

from django.apps import AppConfig


class LoginsConfig(AppConfig):
    name = "config.logins"
    label = "logins"

    def ready(self):
        from config.logins import signal_handlers

        signal_handlers.connect()
