"""What a page may ask over its websocket, and pages without a channel layer."""

import asyncio

import pytest
from channels.layers import channel_layers

from notifications import consumers
from notifications.inbox import unread_count
from tests.factories import make_staff
from tests.support.pages.live_page import in_thread, opened, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_layer")]


# --- what a page may ask ----------------------------------------------------------------------------


async def test_reading_one_and_all_shows_in_the_other_tab(shop, staff):
    for run_id in range(3):
        await tell(shop, run_id=run_id)
    async with opened(staff) as (page, snapshot), opened(staff) as (other, _):
        read = snapshot["notifications"][1]["id"]
        await page.send_json_to({"type": "read", "id": read})
        for tab in (page, other):
            message = await tab.told("read")
            assert message["unread"] == 2
            assert [item["id"] for item in message["notifications"] if item["read"]] == [read]
        await page.told("read")  # its own tab hears the push as well
        await other.send_json_to({"type": "read_all"})
        assert (await page.told("read"))["unread"] == 0


async def test_nobody_reads_for_another(shop, staff):
    other = await in_thread(make_staff)("other", shop)
    await tell(shop)
    async with opened(staff) as (_, snapshot), opened(other) as (page, _):
        await page.send_json_to({"type": "read", "id": snapshot["notifications"][0]["id"]})
        await page.told("read")
    assert await in_thread(unread_count)(staff) == 1


NO_MESSAGES = [
    "no JSON",
    "[]",
    "null",
    '"read"',
    "{}",
    '{"type": ["read"]}',
    '{"type": {}}',
    "[" * 100_000,
]
ODD_MESSAGES = [
    '{"type": "nothing"}',
    '{"type": "read"}',
    '{"type": "read", "id": "1"}',
    '{"type": "read", "id": true}',
]


@pytest.mark.parametrize("text", ODD_MESSAGES, ids=range(len(ODD_MESSAGES)))
async def test_odd_question_is_answered_and_the_page_goes_on(shop, staff, text):
    async with opened(staff) as (page, _):
        await page.send_to(text_data=text)
        assert "read_all" in (await page.told("error"))["message"]
        await page.send_json_to({"type": "snapshot"})
        await page.told("snapshot")


@pytest.mark.parametrize("sent", [*NO_MESSAGES, b"\x00\xff"], ids=range(len(NO_MESSAGES) + 1))
async def test_what_is_no_message_ends_the_connection(shop, staff, sent):
    async with opened(staff) as (page, _):
        await page.send_to(**({"bytes_data": sent} if isinstance(sent, bytes) else {"text_data": sent}))
        assert (await page.receive_output())["code"] == 4400


async def test_impossible_numbers_are_answered(shop, staff):
    async with opened(staff) as (page, _):
        for number in (-1, 0, 2**63, 10**40):
            await page.send_json_to({"type": "read", "id": number})
            assert (await page.told("read"))["unread"] == 0


# --- the channel layer ------------------------------------------------------------------------------


async def test_without_a_channel_layer_the_page_is_served_and_told_so(settings, shop, staff, monkeypatch):
    monkeypatch.setattr(consumers, "CHECK_SECONDS", 0.05)
    host = {"address": "redis://127.0.0.1:1/0", "socket_connect_timeout": 2}
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [host]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    channel_layers.backends = {}
    await tell(shop)
    async with opened(staff) as (page, snapshot):
        assert (snapshot["live"], snapshot["unread"]) == (False, 1)
        await page.send_json_to({"type": "read_all"})
        assert (await page.told("read"))["unread"] == 0
        settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
        channel_layers.backends = {}
        assert (await page.receive_output(timeout=10)) == {"type": "websocket.close", "code": 1012}


async def test_channel_layer_that_goes_and_comes_back_is_told(shop, staff, monkeypatch):
    monkeypatch.setattr(consumers, "CHECK_SECONDS", 0.05)
    layer = channel_layers["default"]
    working = layer.send

    async def lost(*args):
        raise ConnectionError("gone")

    async with opened(staff) as (page, _):
        layer.send = lost
        assert await page.told("live") == {"type": "live", "live": False}
        layer.send = working
        assert await page.told("live") == {"type": "live", "live": True}
        await page.told("snapshot")  # for what was missed meanwhile
        await asyncio.sleep(0)
