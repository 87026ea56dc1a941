"""The whole way between two processes: handed over, started, progress, completed, active. And broken off."""

import json
import signal
from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client
from websockets.sync.client import connect

from ml_training.models import TrainingRun
from ml_training.recognition.recognize import recognize
from ml_training.recognizer.export import FILES
from ml_training.remote.handover import hand_over
from ml_training.runs.reconcile import reconcile
from ml_training.status.shop import training_info
from tests.factories import add_photo, make_staff, photo_bytes, stock
from tests.support.running.outside import Outside
from tests.support.running.waiting import wait_until
from tests.support.training import active_version, last_run, model_files, queued_run, statuses, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]
MANY = 120  # photos: they keep a trainer busy for seconds


def wait_until_ended(shop, step: Callable = lambda: None) -> TrainingRun:
    def ended():
        run = last_run(shop)
        return run if run.status in ("completed", "failed") else None

    return wait_until(ended, step=step)


def wait_until_it_embeds(shop) -> TrainingRun:
    going = TrainingRun.objects.filter(shop=shop, status="training", phase="embedding")
    return wait_until(going.first)


def ask_again() -> None:
    """Ask a trainer that had not closed its last run yet once more, as 20 seconds later."""
    TrainingRun.objects.filter(status="queued").update(woken_at=None)
    if reconcile().woken:
        work()


def fill(shop):
    with transaction.atomic():  # one change, and so one run, however fast a worker is
        products = stock(shop, products=2, photos=1)
        for seed in range(1, MANY // 2):
            for kind, product in enumerate(products):
                add_photo(product, kind, seed)


def test_photo_is_trained_elsewhere_and_its_model_becomes_active(shop, project, trainer, tmp_path):
    products = stock(shop, products=3, photos=3)
    work()
    assert last_run(shop).status == "training"
    run = wait_until_ended(shop)
    assert run.status == "completed", run.error
    assert run.trainer == trainer.url.removeprefix("http://")
    version = active_version(shop)
    assert version.run == run
    assert (version.products, version.photos) == (3, 9)
    for kind, product in enumerate(products):
        assert recognize(shop, photo_bytes(kind, 1)).candidates[0].product_id == product.pk
    names = {name.rpartition("/")[2] for name in model_files(tmp_path)}
    assert names == set(FILES.values())
    assert run.token.sha256 not in trainer.said() + project.said()


def test_open_page_sees_it_start_get_on_and_become_active(shop, project, trainer):
    client = Client()
    client.force_login(make_staff("watcher", shop))
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    address = project.url.replace("http", "ws") + "/ws/notifications/"
    with connect(address, additional_headers={"Cookie": cookie}, origin=project.url) as page:
        assert json.loads(page.recv(timeout=10))["type"] == "snapshot"
        fill(shop)
        work()
        seen, shares = [], []
        while "completed" not in seen:
            message = json.loads(page.recv(timeout=60))
            if message["type"] == "progress":
                shares.append(message["progress"])
            if message.get("kind"):
                seen.append(message["kind"])
    # "queued" is told by this process, and comes through only where a channel server carries it.
    assert [kind for kind in seen if kind not in ("queued", "progress")] == ["started", "completed"]
    assert shares == sorted(shares)
    assert len(set(shares)) > 2
    assert training_info(shop).status == "active"


def test_photo_that_looks_like_another_product_is_named(shop, project, trainer):
    products = stock(shop, products=3, photos=6)
    wrong = add_photo(products[0], 1, seed=77)
    work()
    assert wait_until_ended(shop).status == "completed"
    version = active_version(shop)
    assert version.outliers == {str(wrong.pk): [products[0].pk, products[1].pk]}
    assert set(version.evidence) == {"mistaken", "strangers"}


def test_second_run_fetches_and_embeds_only_the_new_photo(shop, project, trainer):
    products = stock(shop, products=2, photos=2)
    work()
    wait_until_ended(shop)
    cached = set((trainer.log.parent / "cache" / "trainer" / "vectors").rglob("*/*/*"))
    assert len(cached) == 4
    add_photo(products[0], 0, seed=9)
    assert wait_until_ended(shop, step=ask_again).photos == 5
    assert len(set((trainer.log.parent / "cache" / "trainer" / "vectors").rglob("*/*/*")) - cached) == 1


def test_killed_trainer_fails_the_run_after_its_limit_and_it_is_trained_again(
    shop, project, trainer, settings
):
    settings.ML_TRAINER_SILENCE_SECONDS = 3
    fill(shop)
    work()
    first = wait_until_it_embeds(shop)
    trainer.kill()
    assert not reconcile().given_up  # its last word is no three seconds ago
    wait_until(lambda: reconcile().given_up == [first.pk])
    first.refresh_from_db()
    assert first.status == "failed"
    assert "went silent" in first.error
    again = queued_run(shop)
    assert again.attempts == 2
    work()
    again.refresh_from_db()
    assert again.status == "queued"
    assert "cannot be reached" in again.message
    assert "cannot be reached" in training_info(shop).message
    trainer.start("/v1/health")
    TrainingRun.objects.filter(pk=again.pk).update(woken_at=None)  # as 20 seconds later
    assert reconcile().woken == [again.pk]
    work()
    run = wait_until_ended(shop)
    assert (run.pk, run.status) == (again.pk, "completed")


def test_trainer_that_is_stopped_says_so_at_once(shop, project, trainer):
    fill(shop)
    work()
    wait_until_it_embeds(shop)
    trainer.process.send_signal(signal.SIGTERM)
    run = wait_until_ended(shop)
    assert run.status == "failed"
    assert "the trainer was stopped" in run.error
    trainer.process.wait(15)


def test_trainer_stops_work_on_a_run_that_was_taken_from_it(shop, project, trainer):
    fill(shop)
    work()
    run = wait_until_it_embeds(shop)
    TrainingRun.objects.filter(pk=run.pk).update(status="failed")
    wait_until(lambda: "was given up" in trainer.said())
    assert active_version(shop) is None


def test_shop_in_training_there_is_queued_again_and_not_failed(shop, project, make_trainer, settings):
    stock(shop)
    with Outside(404) as slow, slow.held():
        trainer = make_trainer(f"{project.url},{slow.host}")
        settings.ML_TRAINER_URL, settings.PUBLIC_URL = trainer.url, slow.url
        work()
        TrainingRun.objects.update(status="failed")  # given up here, still going there
        queued = TrainingRun.objects.create(shop=shop)
        hand_over(queued.pk)
        queued.refresh_from_db()
        assert queued.status == "queued"
        assert "still training this shop" in queued.message
        assert statuses(shop) == ["failed", "queued"]
    settings.PUBLIC_URL = project.url
    wait_until(lambda: "could not be reported" in trainer.said())
    hand_over(queued.pk)
    assert wait_until_ended(shop).status == "completed"


def test_photos_that_change_during_a_run_make_one_more_run(shop, project, trainer):
    fill(shop)
    work()
    first = wait_until_it_embeds(shop)
    add_photo(shop.products.first(), 5, seed=500)
    add_photo(shop.products.first(), 4, seed=500)
    assert statuses(shop) == ["training", "queued"]
    run = wait_until_ended(shop, step=lambda: last_run(shop).status == "queued" and work())
    assert statuses(shop) == ["completed", "completed"]
    assert run.photos == MANY + 2
    assert first.pk != run.pk


def test_damaged_photo_is_set_aside_and_shown(shop, project, trainer, tmp_path):
    products = stock(shop, products=2, photos=2)
    photo = products[0].images.first()
    (tmp_path / "photos" / photo.image.name).write_bytes(b"not a photo any more")
    work()
    run = wait_until_ended(shop)
    assert run.status == "completed", run.error
    assert [aside["photo"] for aside in run.set_aside] == [photo.pk]
    assert (run.products, run.photos) == (2, 3)


def test_shop_with_one_product_completes_without_asking_the_trainer(shop, project, trainer):
    stock(shop, products=1)
    work()
    run = last_run(shop)
    assert run.status == "completed"
    assert "at least one more product" in run.message


@pytest.mark.worker
def test_nobody_does_anything_when_the_trainer_is_killed_and_comes_back(shop, project, trainer, worker):
    """The worker, the trainer and the web server are processes; the test only adds photos and kills."""
    fill(shop)
    first = wait_until_it_embeds(shop)
    trainer.kill()
    wait_until(lambda: statuses(shop)[0] == "failed")
    trainer.start("/v1/health")
    run = wait_until(lambda: TrainingRun.objects.filter(shop=shop, status="completed").first(), seconds=90)
    first.refresh_from_db()
    assert "went silent" in first.error
    assert run.attempts == 2
    assert active_version(shop).run == run
    assert active_version(shop).photos == MANY
