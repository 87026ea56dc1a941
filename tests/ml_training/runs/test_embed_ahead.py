"""After an update that changes vectors the old version answers and learns until all photos are embedded."""

import pytest

from catalog.models import ProductImage
from ml_training import tasks
from ml_training.backbones import succession
from ml_training.backbones.loader import backbone_id_for, chosen_backbone
from ml_training.models import ImageEmbedding, ModelVersion, TrainingRun
from ml_training.recognition.recognize import recognize
from ml_training.recognizer.backbone import PACKAGED, PACKAGED_VERSIONS
from ml_training.runs import embed_ahead as ahead
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.embed_ahead import embed_ahead
from ml_training.runs.queue import Change, request_training
from ml_training.runs.reconcile import reconcile
from tests.factories import add_photo, photo_bytes
from tests.support.deep import give_tuned
from tests.support.training import active_version, claimed, queued_run, statuses, trained, work

EARLIER, NEXT = "efficientnet-lite0-224-v1", "efficientnet-lite0-224-v2"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


@pytest.fixture
def before_the_update(monkeypatch):
    """The release before: its newest packaged backbone is version 1."""
    with monkeypatch.context() as earlier:
        earlier.setitem(PACKAGED, "efficientnet-lite0", PACKAGED_VERSIONS[EARLIER])
        yield earlier


@pytest.fixture
def updated(shop, before_the_update, monkeypatch) -> ModelVersion:
    """A shop of 6 photos, its version made by the release before; runs embed one photo by themselves."""
    version = trained(shop)
    assert version.backbone == EARLIER
    before_the_update.undo()
    monkeypatch.setattr(succession, "FEW", 1)
    assert chosen_backbone() == NEXT
    return version


def embedded(backbone: str) -> int:
    return ImageEmbedding.objects.filter(backbone=backbone).count()


def test_old_version_answers_and_nothing_is_trained_before_the_photos_are_embedded(shop, updated):
    reconcile()
    assert statuses(shop) == ["completed"]
    found = recognize(shop, photo_bytes(1))
    assert (found.version, found.backbone, found.candidates[0].name) == (1, EARLIER, "Product 1")


def test_new_photo_is_learned_meanwhile_with_the_old_backbone(shop, updated):
    add_photo(shop.products.first(), 0, 9)
    work()
    active = active_version(shop)
    assert (active.number, active.backbone, active.photos) == (2, EARLIER, 7)
    assert (embedded(EARLIER), embedded(NEXT)) == (7, 0)


def test_photos_are_embedded_and_then_the_shop_passes_to_the_next_backbone_by_itself(shop, updated):
    add_photo(shop.products.first(), 0, 9)
    work()
    tasks.reconcile()
    assert embedded(NEXT) == 7
    assert active_version(shop).backbone == EARLIER
    reconcile()
    assert queued_run(shop).trigger == [{"kind": "backbone_changed", "product": "", "count": 1}]
    work()
    active = active_version(shop)
    assert (active.number, active.backbone, active.photos, active.held_back) == (3, NEXT, 7, "")
    assert recognize(shop, photo_bytes(1)).backbone == NEXT
    tasks.reconcile()
    assert statuses(shop) == ["completed"] * 3
    assert embedded(EARLIER) == 7  # that version can be activated again


def test_run_does_not_wait_for_photos_that_are_embedded_ahead(shop, updated, monkeypatch):
    monkeypatch.setattr(ahead, "AT_ONCE", 2)
    load = ahead.load_embeddings

    def embed_and_add_a_photo(*args):
        add_photo(shop.products.first(), 0, 9)
        return load(*args)

    monkeypatch.setattr(ahead, "load_embeddings", embed_and_add_a_photo)
    assert embed_ahead() == 2
    assert embed_ahead() == 0  # the run still waits
    work()
    assert (active_version(shop).backbone, active_version(shop).photos) == (EARLIER, 7)
    monkeypatch.setattr(ahead, "load_embeddings", load)
    assert embed_ahead() == 5
    assert embed_ahead() == 0


def test_slice_ends_when_its_time_is_over(shop, updated):
    assert embed_ahead(seconds=0) == 0
    assert embedded(NEXT) == 0


def test_few_photos_are_embedded_by_the_run_itself(shop, updated, monkeypatch):
    monkeypatch.setattr(succession, "FEW", 6)
    reconcile()
    work()
    assert active_version(shop).backbone == NEXT


def test_photos_that_cannot_be_read_any_more_are_no_reason_to_wait_if_they_are_few(shop, updated):
    photo = ProductImage.objects.first()
    photo.image.storage.delete(photo.image.name)
    assert embed_ahead() == 5
    reconcile()
    work()
    active = active_version(shop)
    assert (active.backbone, active.photos) == (NEXT, 5)


def test_storage_that_has_lost_many_photos_takes_no_model_away(shop, updated):
    for photo in ProductImage.objects.all()[:4]:
        photo.image.storage.delete(photo.image.name)
    assert embed_ahead() == 2
    reconcile()
    assert statuses(shop) == ["completed"]
    assert recognize(shop, photo_bytes(1)).version == 1


def test_photos_set_aside_are_not_waited_for(shop, before_the_update, monkeypatch):
    trained(shop)
    for seed in range(3):
        add_photo(shop.products.first(), data=photo_bytes(0, 20 + seed))
    for photo in ProductImage.objects.order_by("-pk")[:3]:
        photo.image.storage.delete(photo.image.name)
    work()
    before_the_update.undo()
    monkeypatch.setattr(succession, "FEW", 1)
    assert active_version(shop).photos == 6
    assert embed_ahead() == 6
    assert backbone_id_for(shop.pk) == NEXT


def test_other_shop_is_trained_on_the_next_backbone_at_once(shop, updated, other_shop):
    assert trained(other_shop).backbone == NEXT
    assert active_version(shop) == updated


def test_run_that_began_before_the_photos_were_embedded_becomes_active_all_the_same(shop, updated):
    run = claimed(shop)
    assert run.backbone == EARLIER
    TrainingRun.objects.filter(pk=run.pk).update(kind="deep")  # the slices do not wait for it
    embed_ahead()
    TrainingRun.objects.filter(pk=run.pk).update(kind="quick")
    assert backbone_id_for(shop.pk) == NEXT
    version = ModelVersion(
        shop=shop, number=2, run=run, backbone=EARLIER, folder="f", files={}, products=3, photos=6
    )
    complete(run, version)
    assert version.held_back == ""
    reconcile()
    assert queued_run(shop).trigger[0]["kind"] == "backbone_changed"


def test_version_of_the_next_backbone_that_was_held_back_is_not_made_for_ever(shop, updated):
    embed_ahead()
    request_training(shop.pk, Change("photo_added", "Oat milk"))
    run = lifecycle.claim(queued_run(shop).pk)
    assert run.backbone == NEXT
    complete(run, None, "It was worse.")
    reconcile()
    assert statuses(shop) == ["completed", "completed"]
    assert active_version(shop) == updated


def test_backbone_tuned_from_an_earlier_version_goes_on(shop, updated, before_the_update, tmp_path):
    before_the_update.setitem(PACKAGED, "efficientnet-lite0", PACKAGED_VERSIONS[EARLIER])
    row = give_tuned(shop, tmp_path, [])
    before_the_update.undo()
    assert row.base == EARLIER
    ModelVersion.objects.update(backbone=row.backbone)
    assert embed_ahead() == 0
    reconcile()
    assert statuses(shop) == ["completed"]
    assert backbone_id_for(shop.pk) == row.backbone
