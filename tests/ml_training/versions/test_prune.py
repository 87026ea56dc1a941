"""Files of old versions go by a stated rule; those that must stay do, whatever happens at the same time."""

import threading

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.recognition.recognize import recognize
from ml_training.runs import queue
from ml_training.runs.reconcile import reconcile
from ml_training.status.shop import describe_files
from ml_training.storage import storage
from ml_training.versions import activate
from ml_training.versions import prune as pruning
from ml_training.versions.files import ModelFileDamaged
from ml_training.versions.prune import list_superfluous, prune
from tests.factories import photo_bytes
from tests.support.training import active_version, model_files, trained, work

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("model.json", "weights.safetensors", "metadata.json", "model.onnx")


@pytest.fixture(autouse=True)
def keep_two(settings):
    settings.KEEP_VERSIONS = 2


def make(shop, number: int, held_back: str = "") -> ModelVersion:
    """A version whose files are there, small and not what it says."""
    run = TrainingRun.objects.create(shop=shop, status="completed")
    folder = f"{shop.pk}/{run.pk}-test"
    for name in NAMES:
        storage().save(f"{folder}/{name}", ContentFile(b"x"))
    files = {
        kind: {"name": name, "sha256": "0" * 64, "bytes": 1}
        for kind, name in zip(("model_json", "weights", "metadata", "onnx"), NAMES, strict=True)
    }
    return ModelVersion.objects.create(
        shop=shop,
        number=number,
        run=run,
        backbone="b",
        folder=folder,
        files=files,
        products=2,
        photos=4,
        held_back=held_back,
    )


def make_some(shop, count: int, held_back=(), active: int | None = None) -> None:
    made = [make(shop, n, "It is worse." if n in held_back else "") for n in range(1, count + 1)]
    ShopTraining.objects.update_or_create(
        shop=shop, defaults={"active_version": made[active - 1] if active else None}
    )


def with_files(shop) -> list[int]:
    """Numbers of the versions that are said to have files; those in the storage must be the same."""
    kept = ModelVersion.objects.filter(shop=shop, has_files=True).order_by("number")
    for version in ModelVersion.objects.filter(shop=shop):
        stored = [storage().exists(f"{version.folder}/{name}") for name in NAMES]
        assert stored == [version.has_files] * 4
    return [version.number for version in kept]


@pytest.mark.parametrize(
    ("held_back", "active", "kept"),
    [
        ((), 9, [8, 9]),  # the newest two
        ((), 3, [2, 3, 8, 9]),  # rolled back: that, the one before, and the newest
        ((9, 8, 7), 6, [5, 6, 8, 9]),  # the newest are worse: the last good ones stay
        ((3,), 9, [3, 8, 9]),  # the newest held-back one
        ((8, 9), 9, [7, 8, 9]),  # activated anyway: the last good one before
        ((2, 8, 9), 3, [1, 3, 7, 8, 9]),  # both: rolled back, with the newest worse
        ((), 1, [1, 8, 9]),
    ],
)
def test_rule(shop, held_back, active, kept):
    make_some(shop, 9, held_back, active)
    prune(shop.pk)
    assert with_files(shop) == kept
    assert prune(shop.pk) == []


@pytest.mark.parametrize(
    ("repeats", "active", "kept"),
    [
        ((6, 7, 8, 9), 9, [4, 8, 9]),  # a product was switched off and on, twice
        ((3,), 9, [8, 9]),
        ((9,), 9, [7, 8, 9]),
    ],
)
def test_versions_that_are_repeated_take_no_place_of_others(shop, repeats, active, kept):
    make_some(shop, 9, active=active)
    ModelVersion.objects.filter(number__in=repeats).update(changes=[])
    prune(shop.pk)
    assert with_files(shop) == kept
    assert prune(shop.pk) == []


def test_version_with_the_same_photos_on_another_backbone_is_no_repetition(shop):
    make_some(shop, 3, active=3)
    ModelVersion.objects.filter(number=3).update(changes=[], backbone="other")
    prune(shop.pk)
    assert with_files(shop) == [2, 3]


def test_nothing_goes_while_no_version_serves(shop):
    make_some(shop, 9)
    assert prune(shop.pk) == []
    assert len(with_files(shop)) == 9


@pytest.mark.parametrize("keep", [1, 3, 20])
def test_setting_says_how_many_stay(shop, settings, keep):
    settings.KEEP_VERSIONS = keep
    make_some(shop, 9, active=9)
    prune(shop.pk)
    assert len(with_files(shop)) == min(max(keep, 2), 9)  # the last good one before the active stays too


def test_active_and_last_good_one_stay_whatever_is_active_and_held_back(shop, settings):
    """Every choice of the active version and of those held back, of five."""
    settings.KEEP_VERSIONS = 1
    make_some(shop, 5)
    rows = list(ModelVersion.objects.filter(shop=shop).order_by("number"))
    for pattern in range(32):
        for index, row in enumerate(rows):
            ModelVersion.objects.filter(pk=row.pk).update(held_back="worse" if pattern >> index & 1 else "")
        good = [row.pk for index, row in enumerate(rows) if not pattern >> index & 1]
        for row in rows:
            ShopTraining.objects.filter(shop=shop).update(active_version=row)
            gone = {version.pk for version in list_superfluous(shop.pk)}
            assert row.pk not in gone
            assert not set(good[-1:]) & gone
            before = [pk for pk in good if pk < row.pk]
            assert not set(before[-1:]) & gone


def test_another_shop_is_left_alone(shop, other_shop):
    make_some(shop, 4, active=4)
    make_some(other_shop, 4, active=4)
    prune(shop.pk)
    assert (with_files(shop), with_files(other_shop)) == ([3, 4], [1, 2, 3, 4])


def test_many_go_some_at_a_time_and_the_reconciler_does_the_rest(shop):
    make_some(shop, pruning.BATCH + 5, active=pruning.BATCH + 5)
    assert [version.number for version in prune(shop.pk)] == list(range(1, pruning.BATCH + 1))
    reconcile()
    assert with_files(shop) == [pruning.BATCH + 4, pruning.BATCH + 5]


def test_reconciler_asks_little_where_there_is_nothing_to_do(shop):
    make_some(shop, 9, active=3)
    reconcile()
    with CaptureQueriesContext(connection) as captured:
        pruning.prune_all()
    assert len(captured) <= 6
    assert not [query for query in captured if query["sql"].startswith("UPDATE")]


def test_row_stays_says_when_and_offers_no_address(shop):
    make_some(shop, 3, active=3)
    prune(shop.pk)
    old = ModelVersion.objects.get(number=1)
    assert (old.has_files, old.photos) == (False, 4)
    assert old.files_removed_at
    assert [(file.present, file.url) for file in describe_files(old)] == [(False, "")] * 4


def test_address_of_a_removed_file_is_not_found(shop, staff_client):
    make_some(shop, 3, active=3)
    old = ModelVersion.objects.get(number=1)
    url = describe_files(old)[0].url
    assert staff_client.get(url).status_code == 200
    prune(shop.pk)
    assert staff_client.get(url).status_code == 404


def test_pruned_version_cannot_be_activated_and_says_why(shop):
    make_some(shop, 3, active=3)
    prune(shop.pk)
    with pytest.raises(ModelFileDamaged, match="files of version 1 were removed"):
        activate.activate_version(ModelVersion.objects.get(number=1))
    assert active_version(shop).number == 3


# --- At the same time ------------------------------------------------------------------------------


def test_version_marked_between_the_check_and_the_choice_is_not_activated(shop):
    """Its files were read and found good; then they went."""
    make_some(shop, 3, active=3)
    old = ModelVersion.objects.select_related("run", "shop").get(number=1)
    prune(shop.pk)
    assert old.has_files  # what this process read before
    with pytest.raises(ModelFileDamaged):
        activate._choose(shop, old)
    assert active_version(shop).number == 3


def test_version_activated_while_pruning_waits_is_kept(shop):
    """Another connection holds the shop's row and rolls back; pruning looks again once it has the row."""
    make_some(shop, 3, active=3)
    held, done = threading.Event(), threading.Event()

    def roll_back():
        try:
            with transaction.atomic():
                ShopTraining.objects.select_for_update().get(shop=shop)
                ShopTraining.objects.filter(shop=shop).update(
                    active_version=ModelVersion.objects.get(shop=shop, number=1)
                )
                held.set()
                done.wait(60)  # pruning asks meanwhile and still sees version 3
        finally:
            connection.close()

    thread = threading.Thread(target=roll_back)
    thread.start()
    assert held.wait(10)
    assert [version.number for version in list_superfluous(shop.pk)] == [1]
    threading.Timer(0.5, done.set).start()
    prune(shop.pk)
    thread.join()
    assert active_version(shop).number == 1
    assert with_files(shop) == [1, 2, 3]


def test_files_that_could_not_be_removed_are_removed_later(shop, settings):
    make_some(shop, 3, active=3)
    good = settings.STORAGES
    stuck = {"BACKEND": "tests.support.training.StuckStorage", "OPTIONS": good["models"]["OPTIONS"]}
    settings.STORAGES = good | {"models": stuck}
    assert prune(shop.pk) == []
    assert ModelVersion.objects.get(number=1).files_removed_at is None
    settings.STORAGES = good
    reconcile()
    assert with_files(shop) == [2, 3]


class LateStorage(FileSystemStorage):
    """A storage: before its first read another process made another version serve, and pruned."""

    def _open(self, name, mode="rb"):
        old = ModelVersion.objects.get(number=1)
        if name.startswith(old.folder):
            newest = ModelVersion.objects.order_by("-number").first()
            ShopTraining.objects.update(active_version=newest)
            raise FileNotFoundError(name)
        return super()._open(name, mode)


@pytest.mark.training
def test_photo_is_answered_when_the_active_version_changes_and_is_pruned_at_that_moment(shop, settings):
    first = trained(shop, products=2, photos=1)
    queue.request_training(shop.pk, queue.Change("asked"))
    work()
    ShopTraining.objects.update(active_version=first)
    models = settings.STORAGES["models"]
    late = {"BACKEND": f"{__name__}.LateStorage", "OPTIONS": models["OPTIONS"]}
    settings.STORAGES = settings.STORAGES | {"models": late}
    assert recognize(shop, photo_bytes(0, seed=9)).version == 2


# --- When it happens -------------------------------------------------------------------------------


@pytest.mark.training
def test_completed_training_prunes_and_so_does_a_choice(shop, tmp_path):
    trained(shop, products=2, photos=1)
    for _ in range(3):
        queue.request_training(shop.pk, queue.Change("asked"))
        work()
    assert with_files(shop) == [3, 4]
    assert len(model_files(tmp_path)) == 10
    assert activate.activate_version(ModelVersion.objects.get(number=3))
    assert with_files(shop) == [3, 4]
    assert active_version(shop).number == 3
    queue.request_training(shop.pk, queue.Change("asked"))
    work()
    assert with_files(shop) == [4, 5]
    assert active_version(shop).number == 5
