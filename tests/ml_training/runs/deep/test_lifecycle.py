"""Deep runs and quick runs go side by side, can be cancelled, and switch backbones without a gap."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from ml_training.backbones import tuned
from ml_training.backbones.loader import BackboneMissing, backbone_id_for, chosen_backbone, open_embedder_of
from ml_training.events import ml_status_changed
from ml_training.models import ImageEmbedding, ModelVersion, TrainingRun, TunedBackbone
from ml_training.recognizer.export import FILES
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.deep import lifecycle as deep_lifecycle
from ml_training.runs.quick import run_job
from ml_training.runs.reconcile import reconcile
from ml_training.status.shop import training_info
from ml_training.versions import activate
from ml_training.versions import files as version_files
from tests.factories import add_photo, stock
from tests.support.deep import deep_runs, give_tuned, state_of
from tests.support.training import queued_run, trained, work

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("low_threshold"),
    pytest.mark.training,
]


def begun(shop) -> TrainingRun:
    return deep_lifecycle.claim(deep_lifecycle.queue_deep(shop.pk, "asked_deep").pk)


def tuned_version(shop, folder, compared_with: str = "") -> ModelVersion:
    """A version on a tuned backbone that has learned half of the photos, made by a deep run and active."""
    run = begun(shop)
    photos = [p.images.order_by("pk").first().sha256 for p in shop.products.all()]
    row = give_tuned(shop, folder, photos)
    run.backbone, run.generation = row.backbone, state_of(shop).wanted
    TrainingRun.objects.filter(pk=run.pk).update(backbone=row.backbone)
    earlier = state_of(shop).active_version
    version = ModelVersion(
        shop=shop,
        number=earlier.number + 1,
        run=run,
        backbone=row.backbone,
        folder=earlier.folder,
        files=earlier.files,
        products=earlier.products,
        photos=earlier.photos,
    )
    complete(run, version, "", compared_with=compared_with)
    return version


def test_quick_runs_go_on_while_a_deep_run_is_training(shop):
    trained(shop)
    deep = begun(shop)
    add_photo(shop.products.first(), 0, 9)
    work()
    deep.refresh_from_db()
    assert deep.status == "training"
    assert state_of(shop).active_version.number == 2
    assert reconcile().given_up == []


def interrupt(execute, sql, params, many, context):
    if "imageembedding" in sql:
        raise KeyboardInterrupt
    return execute(sql, params, many, context)


def test_interrupted_command_cancels_and_leaves_the_model(shop):
    active = trained(shop)
    with connection.execute_wrapper(interrupt), pytest.raises(CommandError, match=r"^Cancelled\. The active"):
        call_command("train", "--deep")
    assert [run.status for run in deep_runs(shop)] == ["cancelled"]
    assert state_of(shop).active_version == active


def test_interrupted_command_leaves_the_run_of_a_worker_that_took_over(shop):
    trained(shop)
    mine = begun(shop)
    assert lifecycle.give_up(mine)
    theirs = begun(shop)
    assert not deep_lifecycle.cancel_own(mine)
    theirs.refresh_from_db()
    assert theirs.status == "training"
    assert deep_lifecycle.cancel_own(theirs)


def test_interrupted_quick_training_stays_owed_and_counts_no_try(shop):
    stock(shop)
    with connection.execute_wrapper(interrupt), pytest.raises(CommandError, match=r"^Interrupted\."):
        call_command("train")
    assert (queued_run(shop).attempts, state_of(shop).is_owed) == (1, True)


def test_interrupt_after_a_version_was_published_leaves_its_files(shop):
    """Ctrl-C as the run's last news is told: the version serves by then."""
    stock(shop)

    def hear(event, **kwargs):
        if event.kind == "completed":
            raise KeyboardInterrupt

    ml_status_changed.connect(hear)
    try:
        with pytest.raises(CommandError, match=r"^Interrupted\."):
            call_command("train")
    finally:
        ml_status_changed.disconnect(hear)
    version = state_of(shop).active_version
    assert version.number == 1
    assert version.run.status == "completed"
    assert all(version_files.read(version, kind) for kind in FILES)


def test_asking_twice_makes_one_deep_run_and_only_one_worker_gets_it(shop):
    trained(shop)
    first, second = (deep_lifecycle.queue_deep(shop.pk, "asked_deep") for _ in range(2))
    assert first == second
    assert deep_lifecycle.claim(first.pk) is not None
    assert deep_lifecycle.claim(first.pk) is None


def test_cancelled_run_is_no_error_and_the_active_version_stays(shop, events):
    version = trained(shop)
    deep = begun(shop)
    assert deep_lifecycle.cancel(shop)
    assert not deep_lifecycle.cancel(shop)
    deep.refresh_from_db()
    assert (deep.status, deep.error) == ("cancelled", "")
    assert state_of(shop).active_version == version
    assert events[-1].kind == "changed"
    with pytest.raises(lifecycle.RunLost):
        lifecycle.beat(deep)
    with pytest.raises(lifecycle.RunLost):
        complete(deep, None, "")


def test_deep_run_without_a_version_leaves_the_active_one(shop):
    version = trained(shop)
    run = begun(shop)
    complete(run, None, "It did not pay.")
    run.refresh_from_db()
    assert (run.status, run.message) == ("completed", "It did not pay.")
    assert state_of(shop).active_version == version


def test_after_the_switch_quick_runs_train_on_the_tuned_backbone(shop, tmp_path):
    trained(shop)
    version = tuned_version(shop, tmp_path)
    assert backbone_id_for(shop.pk) == version.backbone != chosen_backbone()
    add_photo(shop.products.first(), 0, 9)
    work()
    active = state_of(shop).active_version
    assert active.backbone == version.backbone
    assert active.number == 3
    assert ImageEmbedding.objects.filter(backbone=version.backbone).count() == 7
    # Only photos that the backbone has not learned from were judged.
    learned = TunedBackbone.objects.get().learned
    known = shop.products.first().images.model.objects.filter(sha256__in=learned)
    assert active.cross_validated
    assert not {str(photo.pk) for photo in known} & active.cross_validated.keys()


def test_setting_of_the_base_leaves_tuned_shops_alone(shop, tmp_path):
    trained(shop)
    tuned_version(shop, tmp_path)
    assert reconcile().queued == []


def test_quick_run_that_began_before_the_switch_does_not_take_over(shop, tmp_path):
    trained(shop)
    add_photo(shop.products.first(), 0, 9)
    quick = lifecycle.claim(queued_run(shop).pk)
    wanted = state_of(shop).wanted
    version = tuned_version(shop, tmp_path)
    add_photo(shop.products.first(), 0, 10)
    late = ModelVersion(
        shop=shop, number=3, run=quick, backbone=quick.backbone, folder="f", files={}, products=3, photos=7
    )
    complete(quick, late)
    state = state_of(shop)
    assert state.active_version == version
    assert state.trained <= wanted
    assert state.is_owed
    assert "another version took over" in late.held_back
    assert TrainingRun.objects.filter(shop=shop, status="queued", kind="quick").count() == 1
    work()
    state = state_of(shop)
    assert state.active_version.backbone == version.backbone
    assert not state.is_owed


def test_rolling_back_across_backbones_changes_what_quick_runs_train_on(shop, tmp_path):
    first = trained(shop)
    tuned_version(shop, tmp_path)
    assert activate.activate_version(first)
    assert backbone_id_for(shop.pk) == chosen_backbone()
    add_photo(shop.products.first(), 0, 9)
    work()
    active = state_of(shop).active_version
    assert active.backbone == chosen_backbone()
    assert active.photos == 7


def test_deep_version_that_won_against_a_backbone_that_serves_no_more_is_held_back(shop, tmp_path):
    first = trained(shop)
    version = tuned_version(shop, tmp_path, compared_with="another")
    assert state_of(shop).active_version == first
    assert "not compared with" in version.held_back
    assert activate.activate_version(version)
    assert tuned_version(shop, tmp_path, compared_with=version.backbone).held_back == ""


def test_own_backbone_is_never_tuned(shop, settings):
    trained(shop)
    waiting = deep_lifecycle.queue_deep(shop.pk, "promises")
    settings.BACKBONE_FILE = "own.json"
    assert deep_lifecycle.claim(waiting.pk, at_any_hour=True) is None
    with pytest.raises(CommandError, match="Unset BACKBONE_FILE"):
        call_command("train", "--deep")


def test_run_that_waits_for_its_hours_says_so_until_it_goes_on(shop):
    trained(shop)
    run = begun(shop)
    assert deep_lifecycle.pause(run)
    assert training_info(shop).deep.words == "Deep training waits for its hours."
    assert deep_lifecycle.claim(run.pk) is not None
    assert "hours" not in training_info(shop).deep.words


def test_backbone_of_a_run_that_still_embeds_is_kept_however_long_it_takes(shop, tmp_path):
    trained(shop)
    begun(shop)
    give_tuned(shop, tmp_path, [], scale=2.1)
    TunedBackbone.objects.update(created_at=timezone.now() - 2 * tuned.KEPT_UNUSED)
    assert tuned.prune() == []


def test_backbone_that_no_version_uses_is_forgotten_with_its_vectors(shop, tmp_path):
    trained(shop)
    row = give_tuned(shop, tmp_path, [], scale=1.7)  # one that no test has opened
    ImageEmbedding.objects.create(sha256="0" * 64, backbone=row.backbone, vector=b"")
    assert tuned.prune() == []  # a run may be about to use it
    TunedBackbone.objects.update(created_at=timezone.now() - 2 * tuned.KEPT_UNUSED)
    assert tuned.prune() == [row.backbone]
    assert not ImageEmbedding.objects.filter(backbone=row.backbone).exists()
    assert not (tmp_path / "models" / row.path).exists()
    with pytest.raises(BackboneMissing, match="trains anew"):
        open_embedder_of(row.backbone)


def test_backbone_in_use_is_kept(shop, tmp_path):
    trained(shop)
    tuned_version(shop, tmp_path)
    TunedBackbone.objects.update(created_at=timezone.now() - 2 * tuned.KEPT_UNUSED)
    assert tuned.prune() == []


def test_damaged_backbone_is_named_and_nothing_computes_with_it(shop, tmp_path):
    trained(shop)
    row = give_tuned(shop, tmp_path, [], scale=1.9)
    tuned.fetch(row).path.unlink()
    (tmp_path / "models" / row.path).write_bytes(b"other bytes")
    with pytest.raises(BackboneMissing, match="damaged"):
        open_embedder_of(row.backbone)


def test_job_of_a_deep_run_is_not_taken_for_a_quick_one(shop):
    trained(shop)
    deep = deep_lifecycle.queue_deep(shop.pk, "asked_deep")
    assert run_job(deep.pk) is None
    assert deep_runs(shop)[0].status == "queued"
