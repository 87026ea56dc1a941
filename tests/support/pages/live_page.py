"""A page as the consumer of notifications sees it: a websocket that speaks and listens."""

import contextlib

import pytest
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.test import Client

from config.asgi import application
from ml_training.events import QUEUED, MLStatusEvent
from notifications import push
from notifications.signal_handlers import tell_staff

in_thread = database_sync_to_async


class Page(WebsocketCommunicator):
    """An open page of a logged-in user (or of nobody)."""

    def __init__(self, user=None, origin=b"http://testserver"):
        client = Client()
        headers = [(b"host", b"testserver"), (b"origin", origin)]
        if user is not None:
            client.force_login(user)
            headers.append((b"cookie", b"sessionid=" + client.cookies["sessionid"].value.encode()))
        self.client = client
        super().__init__(application, "/ws/notifications/", headers=headers)

    async def told(self, kind: str) -> dict:
        """The next message of a type; others are passed over."""
        while True:
            message = await self.receive_json_from(timeout=10)
            if message["type"] == kind:
                return message


@contextlib.asynccontextmanager
async def opened(user):
    """Open a page and hand it over with its snapshot."""
    page = await in_thread(Page)(user)
    connected, _ = await page.connect(timeout=10)
    assert connected
    snapshot = await page.receive_json_from(timeout=10)
    assert snapshot["type"] == "snapshot"
    try:
        yield page, snapshot
    finally:
        await page.disconnect()


@pytest.fixture
def fresh_layer(settings, monkeypatch):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    channel_layers.backends = {}
    monkeypatch.setattr(push, "_paused_until", 0.0)
    yield
    channel_layers.backends = {}


def event(shop, kind=QUEUED, run_id=1, sequence=7, step=0):
    return MLStatusEvent(shop.pk, run_id, kind, 0.5, "waiting", "3 photos", sequence, step)


async def tell(shop, *args, **kwargs) -> None:
    await in_thread(tell_staff)(event(shop, *args, **kwargs))
