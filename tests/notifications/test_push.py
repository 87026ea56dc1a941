"""Pushes: what a channel layer that is dead, slow or full does to those who push. Nothing."""

import json
import socket
import time

import pytest
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer

from ml_training.events import COMPLETED, PROGRESS, QUEUED, MLStatusEvent, ml_status_changed
from ml_training.models import TrainingRun
from notifications import push
from notifications.models import Notification
from notifications.signal_handlers import tell_staff
from tests.factories import fill, make_staff

IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture(autouse=True)
def fresh_layer(settings, monkeypatch):
    """A channel layer of this test's own, and no pause left by another test."""
    use_layer(settings, IN_MEMORY)
    monkeypatch.setattr(push, "_paused_until", 0.0)
    yield
    channel_layers.backends = {}


def use_layer(settings, layers) -> None:
    settings.CHANNEL_LAYERS = layers
    channel_layers.backends = {}


def use_dead_redis(settings) -> None:
    host = {"address": "redis://127.0.0.1:1/0", "socket_timeout": None, "socket_connect_timeout": 2}
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [host]}}
    use_layer(settings, {"default": layer})


def event(shop, kind=QUEUED, step=0):
    return MLStatusEvent(shop.pk, 1, kind, 0.5, "waiting", "3 photos", 7, step)


async def _subscribe(group):
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    return channel


def subscribed(group: str) -> str:
    return async_to_sync(_subscribe)(group)


def heard(channel: str) -> list[dict]:
    queue = get_channel_layer().channels.get(channel)
    found = []
    while queue is not None and not queue.empty():
        found.append(queue.get_nowait()[1])
    return found


def test_progress_is_pushed_to_the_shop_and_never_kept(shop, staff, django_assert_num_queries):
    channel = subscribed(push.shop_group(shop.pk))
    with django_assert_num_queries(0):
        tell_staff(event(shop, PROGRESS, step=3))
    (message,) = heard(channel)
    assert (message["type"], message["data"]["step"], message["data"]["progress"]) == ("ml.progress", 3, 0.5)
    assert not Notification.objects.exists()


def test_a_change_of_state_says_what_happened_and_how_the_shop_is_in_few_bytes(shop, staff):
    fill(shop, 6, photos=2)
    TrainingRun.objects.create(shop=shop, status="training", progress=0.5)
    channel = subscribed(push.shop_group(shop.pk))
    tell_staff(event(shop))
    (message,) = heard(channel)
    assert message["type"] == "ml.status"
    data = message["data"]
    assert (data["shop_id"], data["kind"], data["message"], data["sequence"]) == (
        shop.pk,
        "queued",
        "3 photos",
        7,
    )
    now = data["now"]
    assert (now["status"], now["label"], now["products"], now["photos"]) == ("training", "Training", 6, 12)
    assert len(json.dumps(message)) < 600


def test_each_recipient_is_told_with_the_number_that_are_unread(shop, staff):
    tell_staff(event(shop))
    channel = subscribed(push.user_group(staff.pk))
    tell_staff(event(shop, COMPLETED))
    (message,) = heard(channel)
    assert message["data"]["title"] == "Training is done"
    assert message["unread"] == 2


def test_a_notification_is_not_pushed_again_when_the_event_is_told_again(shop, staff):
    channel = subscribed(push.user_group(staff.pk))
    tell_staff(event(shop))
    tell_staff(event(shop))
    assert len(heard(channel)) == 1


def test_another_shop_hears_nothing(shop, other_shop, staff):
    channels = [
        subscribed(push.shop_group(other_shop.pk)),
        subscribed(push.user_group(make_staff("x", other_shop).pk)),
    ]
    for kind in (QUEUED, PROGRESS, COMPLETED):
        tell_staff(event(shop, kind))
    assert [heard(channel) for channel in channels] == [[], []]


def test_dead_redis_raises_nothing_and_pauses_pushes(settings, shop, staff):
    use_dead_redis(settings)
    tell_staff(event(shop))
    assert Notification.objects.filter(recipient=staff).count() == 1
    assert push._paused_until > time.monotonic()

    use_layer(settings, IN_MEMORY)
    channel = subscribed(push.shop_group(shop.pk))
    push.push_progress(event(shop, PROGRESS))
    assert heard(channel) == [], "the pause was not kept"
    push._paused_until = time.monotonic() - 1
    push.push_progress(event(shop, PROGRESS))
    assert len(heard(channel)) == 1


def test_dead_redis_fails_no_signal(settings, shop, staff):
    use_dead_redis(settings)
    for kind in (QUEUED, PROGRESS, COMPLETED):
        results = ml_status_changed.send_robust(sender=None, event=event(shop, kind))
        assert not [answer for _, answer in results if isinstance(answer, Exception)]


def test_a_page_that_reads_nothing_loses_pushes_and_stops_nobody(settings, shop, staff):
    settings.CHANNEL_LAYERS = {"default": {**IN_MEMORY["default"], "CONFIG": {"capacity": 2}}}
    channel_layers.backends = {}
    assert isinstance(get_channel_layer(), InMemoryChannelLayer)
    slow, awake = subscribed(push.shop_group(shop.pk)), subscribed(push.shop_group(shop.pk))
    steps = []
    for step in range(10):
        push.push_progress(event(shop, PROGRESS, step))
        steps += [message["data"]["step"] for message in heard(awake)]
    assert steps == list(range(10))
    assert len(heard(slow)) == 2
    assert push._paused_until == 0.0


def test_only_the_hash_of_a_session_leaves_at_logout(staff, staff_client):
    channel = subscribed(push.user_group(staff.pk))
    key = staff_client.session.session_key
    staff_client.post("/admin/logout/")
    (message,) = heard(channel)
    assert message == {"type": "session.ended", "session": push.session_hash(key)}
    assert key not in str(message)


def test_redis_that_hangs_is_not_waited_for(settings, shop, staff):
    """It takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = {"address": f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "socket_timeout": None}
        layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [host]}}
        use_layer(settings, {"default": layer})
        started = time.monotonic()
        push.push_read(staff.pk)
        assert time.monotonic() - started < 10 * push.MAX_PUSH_SECONDS
        assert push._paused_until > time.monotonic()
