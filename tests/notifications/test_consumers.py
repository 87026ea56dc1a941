"""The websocket: who is let in, what they are told, what they may ask."""

import pytest
from django.contrib.auth import get_user_model
from django.db.backends.signals import connection_created

from ml_training.events import COMPLETED, FAILED, PROGRESS, QUEUED
from ml_training.models import TrainingRun
from ml_training.runs.queue import Change, request_training
from notifications import consumers
from notifications.signal_handlers import tell_staff
from tests.factories import add_photo, make_shop, make_staff
from tests.support.pages.live_page import Page, event, in_thread, opened, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_layer")]


# --- who is let in ----------------------------------------------------------------------------------


def anonymous(shop):
    return None


def customer(shop):
    user = make_staff("customer", shop)
    get_user_model().objects.filter(pk=user.pk).update(is_staff=False)
    return user


def staff_without_permission(shop):
    return make_staff("may-nothing", shop, permissions=False)


@pytest.mark.parametrize("person", [anonymous, customer, staff_without_permission])
async def test_others_are_closed_with_4403_before_any_data(shop, person):
    user = await in_thread(person)(shop)
    page = await in_thread(Page)(user)
    await page.connect(timeout=10)
    assert await page.receive_output(timeout=10) == {"type": "websocket.close", "code": 4403}
    assert await page.receive_nothing()


@pytest.mark.parametrize(
    "origin",
    [b"", b"null", b"http://evil.example", b"http://testserver.evil.example", b"http://testserver:81"],
)
async def test_page_of_another_site_is_refused(staff, origin):
    page = await in_thread(Page)(staff, origin)
    connected, _ = await page.connect(timeout=10)
    assert not connected


# --- snapshot ---------------------------------------------------------------------------------------


async def test_snapshot_has_the_status_of_ones_shops_and_ones_notifications(shop, other_shop, staff):
    await tell(shop)
    async with opened(staff) as (_, snapshot):
        assert [info["shop_id"] for info in snapshot["shops"]] == [shop.pk]
        assert snapshot["shops"][0]["status"] == "idle"
        assert (snapshot["unread"], snapshot["live"]) == (1, True)
        assert [item["title"] for item in snapshot["notifications"]] == ["Training is queued"]


async def test_superuser_sees_every_shop(shop, other_shop):
    boss = await in_thread(get_user_model().objects.create_superuser)("boss")
    async with opened(boss) as (_, snapshot):
        assert {info["shop_id"] for info in snapshot["shops"]} == {shop.pk, other_shop.pk}


async def test_staff_of_no_shop_get_an_empty_snapshot(shop):
    async with opened(await in_thread(make_staff)("alone")) as (_, snapshot):
        assert (snapshot["shops"], snapshot["unread"]) == ([], 0)


@pytest.fixture
def reads():
    """The queries that read, of all threads: each opens a connection of its own."""
    made = []

    def note(execute, sql, *args):
        if sql.startswith("SELECT"):
            made.append(sql)
        return execute(sql, *args)

    def watch(connection, **kwargs):
        if note not in connection.execute_wrappers:  # it stays when a connection is opened again
            connection.execute_wrappers.append(note)

    connection_created.connect(watch)
    yield made
    connection_created.disconnect(watch)


async def test_snapshot_takes_the_same_queries_however_much_there_is(shop, staff, reads):
    async def queries() -> int:
        async with opened(staff) as (page, _):
            reads.clear()
            await page.send_json_to({"type": "snapshot"})
            await page.told("snapshot")
            return len(reads)

    few = await queries()
    assert few > 0, "nothing was counted"
    await in_thread(_fill)(shop)
    assert await queries() == few


def _fill(shop):
    for kind, product in enumerate(make_shop("filled", 6, 3).products.order_by("pk")):
        product.shop = shop
        product.save()
        add_photo(product, kind, seed=9)
    for number in range(30):
        run = TrainingRun.objects.create(shop=shop, status="failed", error="No")
        tell_staff(event(shop, FAILED, run.pk, number))


# --- events -----------------------------------------------------------------------------------------


async def test_events_of_ones_own_shop_arrive_with_growing_numbers(shop, staff):
    async with opened(staff) as (page, snapshot):
        numbers = [snapshot["shops"][0]["sequence"]]
        for _ in range(3):
            run = await in_thread(request_training)(shop.pk, Change("photo_added", "Oat milk"))
            numbers.append((await page.told("status"))["now"]["sequence"])
            await in_thread(TrainingRun.objects.filter(pk=run.pk).delete)()
        assert numbers == sorted(set(numbers))
        for step in (1, 2):
            await tell(shop, PROGRESS, step=step)
            assert (await page.told("progress"))["step"] == step


async def test_another_shop_is_never_heard_of(shop, other_shop, staff):
    rival = await in_thread(make_staff)("rival", other_shop)
    async with opened(rival) as (page, _):
        for kind in (QUEUED, PROGRESS, COMPLETED):
            await tell(shop, kind)
        assert await page.receive_nothing(0.3)
        await tell(other_shop)
        assert (await page.told("status"))["shop_id"] == other_shop.pk


async def test_rights_taken_while_connected_end_it_at_the_next_question(shop, staff):
    async with opened(staff) as (page, _):
        await in_thread(staff.user_permissions.clear)()
        await page.send_json_to({"type": "snapshot"})
        assert (await page.receive_output(timeout=10)) == {"type": "websocket.close", "code": 4403}


async def test_rights_taken_while_connected_end_it_without_a_question(shop, staff, monkeypatch):
    monkeypatch.setattr(consumers, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(consumers, "RIGHTS_SECONDS", 0.1)
    async with opened(staff) as (page, _):
        await in_thread(get_user_model().objects.filter(pk=staff.pk).update)(is_active=False)
        assert (await page.receive_output(timeout=10)) == {"type": "websocket.close", "code": 4403}


async def test_shop_taken_away_is_neither_told_nor_shown_after_the_next_look(shop, other_shop, staff):
    await in_thread(other_shop.members.add)(staff)
    async with opened(staff) as (page, snapshot):
        assert len(snapshot["shops"]) == 2
        await in_thread(other_shop.members.remove)(staff)
        await page.send_json_to({"type": "snapshot"})
        assert [info["shop_id"] for info in (await page.told("snapshot"))["shops"]] == [shop.pk]
        await tell(other_shop, PROGRESS)
        assert await page.receive_nothing(0.3)


async def test_shop_given_while_connected_is_told_of_after_the_next_look(shop, other_shop, staff):
    async with opened(staff) as (page, _):
        await in_thread(other_shop.members.add)(staff)
        await page.send_json_to({"type": "snapshot"})
        await page.told("snapshot")
        await tell(other_shop, PROGRESS)
        assert (await page.told("progress"))["shop_id"] == other_shop.pk


async def test_logging_out_closes_the_pages_of_that_session_only(shop, staff):
    async with opened(staff) as (page, _), opened(staff) as (other, _):
        await in_thread(page.client.post)("/admin/logout/", headers={"host": "localhost"})
        assert (await page.receive_output(timeout=10)) == {"type": "websocket.close", "code": 4403}
        assert await other.receive_nothing(0.2)


async def test_changed_password_closes_the_page(shop, staff):
    async with opened(staff) as (page, _):
        await in_thread(staff.set_password)("another one")
        await in_thread(staff.save)()
        await page.send_json_to({"type": "snapshot"})
        assert (await page.receive_output(timeout=10)) == {"type": "websocket.close", "code": 4403}
