"""What is kept for staff, and for whom."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from ml_training.events import COMPLETED, FAILED, QUEUED, STARTED
from ml_training.models import TrainingRun
from notifications.inbox import KEEP_READ_DAYS, inbox, mark_read, recipients, store_status, unread_count
from notifications.models import Notification
from tests.factories import event, make_staff


def test_each_recipient_gets_one_row_with_level_title_message_link_and_the_event(shop, staff):
    other = make_staff("other", shop)
    stored = store_status(event(shop, FAILED, message="The disk is full."))
    assert {row.recipient for row in stored} == {staff, other}
    row = Notification.objects.get(recipient=staff)
    assert (row.kind, row.level, row.read_at) == ("ML_TRAINING", "error", None)
    assert row.title == "Training failed"
    assert row.message == "The disk is full."
    assert row.link == f"/admin/settings/ml-model/?shop={shop.slug}"
    assert (row.data["kind"], row.data["run_id"], row.data["sequence"]) == ("failed", 1, 7)


def test_the_shop_is_named_to_whoever_sees_several(shop, other_shop, staff):
    both = make_staff("both", shop, other_shop)
    boss = get_user_model().objects.create_superuser("boss", password="password")
    titles = {row.recipient: row.title for row in store_status(event(shop))}
    named = f"{shop.name}: Training is queued"
    assert titles == {staff: "Training is queued", both: named, boss: named}


@pytest.mark.parametrize(
    ("attempts", "told"),
    [(1, [QUEUED, STARTED, FAILED, COMPLETED]), (2, [COMPLETED]), (3, [FAILED, COMPLETED])],
)
def test_another_try_tells_only_how_the_work_ends(shop, staff, settings, attempts, told):
    settings.MAX_ATTEMPTS = 3
    run = TrainingRun.objects.create(shop=shop, attempts=attempts)
    stored = [store_status(event(shop, kind, run.pk)) for kind in (QUEUED, STARTED, FAILED, COMPLETED)]
    assert [rows[0].data["kind"] for rows in stored if rows] == told


def test_a_run_that_needs_a_look_is_a_warning(shop, staff):
    (row,) = store_status(replace(event(shop, COMPLETED), is_warning=True))
    assert (row.level, row.title) == ("warning", "Training is done, and needs a look")


def test_an_event_told_again_adds_nothing(shop, staff):
    assert len(store_status(event(shop))) == 1
    assert store_status(event(shop)) == []
    assert Notification.objects.count() == 1


def test_an_event_told_again_reaches_only_those_who_came_since(shop, staff):
    store_status(event(shop))
    newcomer = make_staff("newcomer", shop)
    assert [row.recipient for row in store_status(event(shop))] == [newcomer]


def test_every_kind_and_every_run_is_told_once(shop, staff):
    for kind in (QUEUED, COMPLETED):
        for run_id in (1, 2):
            store_status(event(shop, kind, run_id))
    assert Notification.objects.filter(recipient=staff).count() == 4


def test_told_are_staff_of_the_shop_who_may_see_training_and_superusers(shop, other_shop, staff):
    users = get_user_model().objects
    boss = users.create_superuser("boss", password="password")
    users.create_superuser("asleep", password="password", is_active=False)
    make_staff("elsewhere", other_shop)
    make_staff("may-nothing", shop, permissions=False)
    customer = make_staff("customer", shop)
    users.filter(pk=customer.pk).update(is_staff=False)
    assert set(recipients(shop.pk)) == {staff, boss}


def test_a_permission_of_a_group_counts(shop, django_user_model):
    from django.contrib.auth.models import Group, Permission

    group = Group.objects.create(name="Trainers")
    group.permissions.add(Permission.objects.get(codename="view_trainingrun"))
    user = make_staff("grouped", shop, permissions=False)
    user.groups.add(group)
    assert list(recipients(shop.pk)) == [user]


def test_of_a_shop_that_is_gone_nothing_is_kept(shop, staff):
    gone = event(shop)
    shop.delete()
    assert store_status(gone) == []


def test_inbox_leaves_out_shops_that_one_may_not_see_any_more(shop, staff):
    store_status(event(shop))
    shop.members.remove(staff)
    assert not inbox(staff).exists()
    assert unread_count(staff) == 0


def test_reading_one_or_all_counts_what_was_unread_and_never_touches_others(shop, staff):
    other = make_staff("other", shop)
    for run_id in range(3):
        store_status(event(shop, run_id=run_id))
    mine, theirs = inbox(staff).first(), inbox(other).first()
    assert mark_read(staff, theirs.pk) == 0
    assert mark_read(staff, mine.pk) == 1
    assert mark_read(staff, mine.pk) == 0
    assert mark_read(staff) == 2
    assert (unread_count(staff), unread_count(other)) == (0, 3)


@pytest.mark.parametrize(("days", "read", "kept"), [(1, True, True), (100, True, False), (100, False, True)])
def test_what_was_read_long_ago_is_forgotten_when_a_run_ends(shop, staff, days, read, kept):
    store_status(event(shop, run_id=1))
    past = timezone.now() - timedelta(days=days)
    Notification.objects.update(created_at=past, read_at=past if read else None)
    store_status(event(shop, COMPLETED, run_id=2))
    assert Notification.objects.filter(key="run-1-queued").exists() is kept
    assert KEEP_READ_DAYS == 30


def test_storing_takes_the_same_queries_for_one_recipient_as_for_ten(
    shop, staff, django_assert_max_num_queries, django_assert_num_queries
):
    with django_assert_max_num_queries(12) as queries:
        store_status(event(shop, run_id=1))
    for number in range(9):
        make_staff(f"staff-{number}", shop)
    with django_assert_num_queries(len(queries)):
        store_status(event(shop, run_id=2))


def test_the_admins_list_shows_only_ones_own_and_changes_nothing(shop, staff, staff_client):
    make_staff("other", shop)
    store_status(event(shop, message="Only once on this page"))
    content = staff_client.get("/admin/notifications/notification/").content.decode()
    assert content.count("Only once on this page") == 1
    assert staff_client.get("/admin/notifications/notification/add/").status_code == 403
