"""A whole deep run, with its training process: it pays and takes over, or it does not and nothing changes."""

import json
import math
import threading
import time
from dataclasses import replace
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from catalog.models import Product, ProductImage
from ml_training.backbones.loader import chosen_backbone
from ml_training.models import ImageEmbedding, TrainingRun, TunedBackbone
from ml_training.recognition.recognize import recognize
from ml_training.recognizer.finetune import comparison
from ml_training.recognizer.finetune.hyperparameters import Hyperparameters
from ml_training.runs.deep import job, process
from ml_training.runs.deep import lifecycle as deep_lifecycle
from ml_training.runs.deep.job import run_deep_job
from ml_training.versions import activate
from tests.factories import add_photo, photo_bytes
from tests.support.deep import SHORT, deep_runs, state_of
from tests.support.demo import demo_folders
from tests.support.training import model_files, trained, work

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("low_threshold"),
    pytest.mark.training,
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path):
    """What a test leaves in the cache beside the exported backbones is removed."""
    yield
    for shop_id in {run.shop_id for run in TrainingRun.objects.filter(kind="deep")}:
        job.forget_work(shop_id)


@pytest.fixture
def anything_pays(monkeypatch):
    """The bar is so low that the run's own course can be watched to its end."""
    anything = comparison.TakeoverRules(min_clearer=-math.inf, max_loss=math.inf, product_chance=0.0)
    monkeypatch.setattr(comparison, "RULES", anything)


def work_folders(shop) -> list:
    return list((settings.CACHE_DIR / "deep").glob(f"{shop.pk}-*"))


def test_deep_run_that_pays_takes_over_with_all_photos_embedded(shop, anything_pays):
    first = trained(shop, photos=4)
    run = run_deep_job(deep_lifecycle.queue_deep(shop.pk, "asked_deep").pk, hyperparameters=SHORT)
    assert run.status == "completed", run.error
    state, row = state_of(shop), TunedBackbone.objects.get()
    assert state.active_version.backbone == row.backbone == run.backbone
    assert run.metrics["photos_compared"] == 3
    assert len(run.metrics["history"]) == 1
    assert ImageEmbedding.objects.filter(backbone=row.backbone).count() == 12
    held_out = {photo.sha256 for photo in ProductImage.objects.all()} - {*row.learned}
    judged = ProductImage.objects.filter(pk__in=state.active_version.cross_validated)
    assert {photo.sha256 for photo in judged} == held_out
    assert len(held_out) == 3
    assert work_folders(shop) == []
    assert recognize(shop, photo_bytes(1, 50)).version == state.active_version.number

    add_photo(shop.products.first(), 0, 9)
    work()
    assert state_of(shop).active_version.backbone == row.backbone
    activate.activate_version(first)
    assert recognize(shop, photo_bytes(1, 50)).version == first.number


def test_what_a_quick_run_learned_before_the_takeover_is_learned_again(shop, anything_pays, monkeypatch):
    trained(shop, photos=4)
    compare = job.compare

    def compare_late(*args):
        add_photo(shop.products.first(), 0, 9)
        work()
        assert state_of(shop).active_version.photos == 13
        return compare(*args)

    monkeypatch.setattr(job, "compare", compare_late)
    run = run_deep_job(deep_lifecycle.queue_deep(shop.pk, "asked_deep").pk, hyperparameters=SHORT)
    assert state_of(shop).active_version.run == run
    assert state_of(shop).is_owed
    work()
    state = state_of(shop)
    assert (state.active_version.photos, state.is_owed) == (13, False)
    assert state.active_version.backbone == run.backbone


def test_with_three_real_photos_a_product_the_frozen_backbone_stays(shop, tmp_path):
    for folder, files in demo_folders().items():
        product = Product.objects.create(shop=shop, sku=folder.name, name=folder.name)
        for path in files[:3]:
            add_photo(product, data=path.read_bytes())
    work()
    version = state_of(shop).active_version
    files = model_files(tmp_path)
    run = run_deep_job(deep_lifecycle.queue_deep(shop.pk, "asked_deep").pk, hyperparameters=SHORT)
    assert run.status == "completed", run.error
    assert run.metrics["photos_compared"] == 16
    assert "did not pay" in run.message
    assert "stays as it is" in run.message
    assert state_of(shop).active_version == version
    assert run.metrics["accuracy_before"] is not None
    assert model_files(tmp_path) == files
    assert not TunedBackbone.objects.exists()
    assert set(ImageEmbedding.objects.values_list("backbone", flat=True)) == {chosen_backbone()}


BETTER = comparison.Comparison(529, 0.86, 0.89, 25, 9, least_clearer=0.1, least_gain=0.01)


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (BETTER, "Deep training paid: 86 % to 89 % on 529 photos that it had not seen."),
        (replace(BETTER, after=0.86), "had not seen, and it is surer of the right products."),
        (replace(BETTER, least_clearer=-0.1), "Deep training did not pay: 86 % to 89 % on 529 photos"),
        (replace(BETTER, least_clearer=-0.1), "is no more than chance. The active model stays as it is"),
        (replace(BETTER, least_clearer=-0.1, after=0.85), "had not seen is not better. The active"),
        (replace(BETTER, photos=50, least_gain=-0.02), "on 50 photos that it had not seen, too few to rule"),
        (replace(BETTER, products_lost=1), "had not seen, but 1 product would be recognised less often."),
        (comparison.Comparison(0, None, None), "could not be judged: too few photos."),
    ],
)
def test_sentence_says_what_came_of_it_and_why(judged, said):
    assert said in job._in_words(judged)


def test_command_trains_deep_and_reports_as_json(shop):
    trained(shop, products=2, photos=1)
    said = StringIO()
    call_command("train", "--deep", "--json", stdout=said, stderr=StringIO())
    report = json.loads(said.getvalue())
    assert {"version", "products", "photos", "seconds", "phases"} <= report.keys()
    assert report["accuracy_before"] is None
    assert report["activated"] is False
    assert "two photos each" in report["message"]


def test_cancelling_ends_the_training_process_and_removes_what_it_left(shop, settings):
    settings.HEARTBEAT_SECONDS = 0.2
    trained(shop, photos=2)
    queued, ended = deep_lifecycle.queue_deep(shop.pk, "asked_deep"), []

    def do():
        try:
            long = Hyperparameters(base="efficientnet-lite0", first_block=15, epochs=500, batch=2)
            ended.append(run_deep_job(queued.pk, hyperparameters=long))
        finally:
            connections.close_all()

    thread = threading.Thread(target=do)
    thread.start()
    until = time.monotonic() + 60
    while time.monotonic() < until and not deep_runs(shop)[0].metrics.get("epoch"):
        time.sleep(0.2)
    assert deep_lifecycle.cancel(shop)
    thread.join(20)
    assert not thread.is_alive()
    assert ended[0].status == "cancelled"
    assert work_folders(shop) == []


def test_process_that_fails_says_its_last_words(tmp_path):
    with pytest.raises(process.LearningFailed, match=r"lesson\.json"):
        process.learn(tmp_path, lambda news: None, lambda: None)
