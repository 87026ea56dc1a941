"""Deep training on Settings > ML Model and in the API: beside the quick run, with a way to cancel it."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from ml_training.events import emit_progress, ml_status_changed
from ml_training.models import TrainingRun
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.deep import lifecycle as deep_lifecycle
from ml_training.status.shop import training_info
from tests.factories import choose, make_staff
from tests.support.deep import deep_runs
from tests.support.training import trained

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("low_threshold"),
    pytest.mark.training,
]
CANCEL = "/admin/settings/ml-model/cancel-deep/"


@pytest.fixture
def deep(shop):
    trained(shop)
    run = deep_lifecycle.claim(deep_lifecycle.queue_deep(shop.pk, "promises").pk)
    metrics = {"began_at": 0.0, "epoch": 3, "epochs": 6, "accuracy": 0.914}
    lifecycle.beat(run, progress=0.5, phase="learning", metrics=metrics)
    return run


def test_page_shows_the_deep_run_beside_the_active_model(staff_client, deep):
    html = staff_client.get(reverse("admin:ml_model")).content.decode()
    assert "Round 3 of 6; 91 % right so far, on photos it has not seen" in html
    assert 'data-ml="status" data-status="active"' in html
    assert "Cancel deep training" in html


def test_status_says_nothing_of_deep_training_where_there_is_none(shop):
    trained(shop)
    assert training_info(shop).deep is None
    assert training_info(shop).as_json()["deep"] is None


def test_how_the_last_one_ended_stays_on_the_page_until_the_next(staff_client, shop, deep):
    complete(deep, None, "Deep training did not pay: 80 % to 79 % on 40 photos.")
    said = f"Deep training of {date_format(timezone.localdate(), 'j F Y')}: Deep training did not pay: 80 %"
    assert said in staff_client.get(reverse("admin:ml_model")).content.decode()
    info = "{ mlTrainingInfo { lastDeep deep { status } } }"
    answer = ask(staff_client, info)["mlTrainingInfo"]
    assert answer["lastDeep"].startswith(said)
    assert answer["deep"] is None
    deep_lifecycle.queue_deep(shop.pk, "asked_deep")
    html = staff_client.get(reverse("admin:ml_model")).content.decode()
    assert '<p class="ml-quiet" data-ml="last-deep" hidden>' in html


def test_run_outside_its_hours_does_not_promise_a_worker(shop):
    deep_lifecycle.queue_deep(shop.pk, "promises")
    assert training_info(shop).deep.words == "It begins when a worker is free."
    hour = timezone.localtime().hour
    choose(shop, deep_hours=f"{(hour + 4) % 24}-{(hour + 6) % 24}")
    assert training_info(shop).deep.words == "It waits for its hours."


def test_nobody_who_works_on_it_is_said_with_what_to_do(shop, deep):
    TrainingRun.objects.filter(pk=deep.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    info = training_info(shop).deep
    assert info.words.startswith("Nothing was heard of this run since")
    assert info.seconds_left is None
    deep_lifecycle.cancel(shop)
    queued = deep_lifecycle.queue_deep(shop.pk, "promises")
    TrainingRun.objects.filter(pk=queued.pk).update(created_at=timezone.now() - timedelta(minutes=5))
    assert "start one: manage.py worker" in training_info(shop).deep.words


def test_status_has_how_long_it_takes(shop, deep):
    info = training_info(shop)
    assert (info.status, info.deep.status, info.deep.percent) == ("active", "training", 50)
    assert info.deep.seconds_left is not None


def test_cancel_button_ends_it_and_the_model_stays(staff_client, shop, deep):
    response = staff_client.post(CANCEL, headers={"Accept": "application/json"})
    assert "active model stays" in response.json()["message"]
    assert deep_runs(shop)[0].status == "cancelled"
    info = training_info(shop)
    assert info.deep is None
    assert info.status == "active"
    assert not info.error
    again = staff_client.post(CANCEL)
    assert again.status_code == 302
    assert "Cancelled" in staff_client.get(reverse("admin:ml_model")).content.decode()


def test_cancelling_needs_a_post_the_permission_and_the_shop(client, staff_client, deep, other_shop):
    assert staff_client.get(CANCEL).status_code == 302
    assert staff_client.post(f"{CANCEL}?shop={other_shop.slug}").status_code == 404
    client.force_login(make_staff("plain", deep.shop, permissions=False))
    assert client.post(CANCEL).status_code == 403
    assert deep_runs(deep.shop)[0].status == "training"


def test_progress_tells_open_pages_the_rounds_in_the_same_words(shop, deep):
    heard = []

    def hear(event, **kwargs):
        heard.append(event)

    ml_status_changed.connect(hear)
    deep.metrics = TrainingRun.objects.get(pk=deep.pk).metrics
    emit_progress(deep, 4)
    ml_status_changed.disconnect(hear)
    assert [event.message for event in heard] == [training_info(shop).deep.words]
    assert heard[0].message.startswith("Round 3 of 6; 91 %")


def test_query_count_of_the_status_is_the_same_with_a_deep_run(shop, django_assert_num_queries):
    trained(shop)
    with django_assert_num_queries(5):
        training_info(shop)
    deep_lifecycle.queue_deep(shop.pk, "promises")
    with django_assert_num_queries(5):
        training_info(shop)


def ask(client, query: str) -> dict:
    return client.post("/graphql/", {"query": query}, content_type="application/json").json()["data"]


def test_api_shows_and_cancels_it(staff_client, shop, deep):
    info = "{ mlTrainingInfo { deep { epoch epochs accuracy status } } }"
    expected = {"epoch": 3, "epochs": 6, "accuracy": 0.914, "status": "TRAINING"}
    assert ask(staff_client, info)["mlTrainingInfo"]["deep"] == expected
    listed = ask(staff_client, "{ trainingRuns { edges { node { kind } } } }")["trainingRuns"]["edges"]
    assert [edge["node"]["kind"] for edge in listed] == ["DEEP", "QUICK"]
    mutation = "mutation { cancelDeepTraining { changed mlTrainingInfo { deep { runId } } } }"
    done = ask(staff_client, mutation)["cancelDeepTraining"]
    assert done == {"changed": True, "mlTrainingInfo": {"deep": None}}


def test_hours_and_backbones_that_cannot_be_used_stop_the_start(settings, tmp_path):
    settings.DEEP_HOURS = "late"
    with pytest.raises(SystemCheckError, match="E008"):
        call_command("check")
    settings.DEEP_HOURS, settings.BACKBONE_FILE = "", str(tmp_path / "none.json")
    with pytest.raises(SystemCheckError, match="E007"):
        call_command("check")
