"""Starts the web server, with every limit that keeps it answering. docs/security.md lists them."""

from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from api.protocol import MAX_MESSAGE_LENGTH
from config.serving.memory import give_back_large_blocks
from config.serving.websocket import LimitedSocket

LIMITS: dict[str, Any] = {
    "http": settings.HTTP_PROTOCOL,
    "ws": LimitedSocket,
    # Of one message. Without deflate it takes as much memory as was sent: few bytes never become megabytes.
    "ws_max_size": MAX_MESSAGE_LENGTH,
    "ws_per_message_deflate": False,
    "proxy_headers": False,  # config/asgi_middleware/proxy.py reads them, from the right
    "timeout_graceful_shutdown": 10,
}


class Command(BaseCommand):
    help = "Start the web server: pages, API and websockets. A proxy or --certificate brings https."

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (%(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="the port to listen at (%(default)s)")
        parser.add_argument("--certificate", help="a PEM file: the server then speaks https itself")
        parser.add_argument("--key", help="the certificate's private key, a PEM file")

    def handle(self, *, host, port, certificate, key, **options):
        if bool(certificate) != bool(key):
            raise CommandError("--certificate and --key go together.")
        give_back_large_blocks()
        uvicorn.run(
            "config.asgi:application",
            host=host,
            port=port,
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            **LIMITS,
        )
