"""A version that is worse than the one that serves is kept, does not serve, and says why."""

import pytest
from django.utils import timezone

from catalog.models import Product, ProductImage
from ml_training.gate.judge import (
    find_best_baseline,
    find_known_products,
    find_photos_to_check,
    find_regressions,
)
from ml_training.models import ModelVersion, ShopTraining
from ml_training.runs import queue
from ml_training.status.shop import training_info
from ml_training.versions import activate
from notifications.models import Notification
from tests.factories import add_photo, make_staff, serve, stock
from tests.support.gate import judged, verdict
from tests.support.training import active_version, trained, work

pytestmark = pytest.mark.django_db(transaction=True)
PHOTOS = 12


def test_first_version_is_never_worse():
    assert find_regressions(None, ModelVersion(number=1, cross_validated=judged({1: [2] * 50}))) == ""


def test_answers_lost_on_one_product_hold_a_version_back():
    said = verdict({1: [1] * 20, 2: [2] * 20}, {1: [1] * 20, 2: [1] * 15 + [2] * 5})
    assert "Version 1 goes on serving" in said
    assert "100 % were right before and 62 % are now" in said


def test_noise_in_both_directions_does_not():
    before = {1: [2] * 6 + [1] * 14, 2: [2] * 20}
    after = {1: [1] * 14 + [2] * 6, 2: [1, 1] + [2] * 18}
    assert verdict(before, after) == ""


def test_many_small_losses_together_hold_it_back():
    before = {product: [product] * 20 for product in range(1, 21)}
    after = {product: [product] * 19 + [product % 20 + 1] for product in range(1, 21)}
    assert "95 % are now" in verdict(before, after)


def test_what_the_catalogue_lost_is_no_loss():
    assert verdict({1: [1] * 20, 2: [2] * 20}, {1: [1] * 20}) == ""


def test_new_look_alike_is_no_loss():
    """A product that the active version could not know takes some photos of an old one."""
    assert verdict({1: [1] * 20, 2: [2] * 20}, {1: [3] * 9 + [1] * 11, 2: [2] * 20, 3: [3] * 9}) == ""


# --- Little by little ------------------------------------------------------------------------------


def lose(shop, photos: int) -> ModelVersion:
    """The next version, which is wrong about so many of 60 photos; it serves unless it is held back."""
    outcomes = {1: [2] * photos + [1] * (30 - photos), 2: [2] * 30}
    active = active_version(shop)
    new = ModelVersion(number=active.number + 1 if active else 1, cross_validated=judged(outcomes))
    held_back = find_regressions(active, new)
    facts = {
        "cross_validated": new.cross_validated,
        "metrics": {"accuracy": 1 - photos / 60},
        "held_back": held_back,
    }
    version = serve(shop, **facts)
    if held_back:
        ShopTraining.objects.update(active_version=active)
    return version


def test_small_losses_add_up(shop):
    """None of the steps is more than chance."""
    steps = [lose(shop, photos) for photos in (0, 3, 6, 9, 12)]
    assert [bool(version.held_back) for version in steps] == [False, False, False, False, True]
    assert "goes on serving: little by little since version 1, version 5 mixes up" in steps[-1].held_back
    assert "100 % were right before and 80 % are now" in steps[-1].held_back


def test_person_who_chooses_a_version_says_that_it_is_right(shop):
    for photos in (0, 3, 6, 9):
        lose(shop, photos)
    ModelVersion.objects.filter(number=4).update(chosen_at=timezone.now())
    assert lose(shop, 12).held_back == ""


@pytest.mark.parametrize("photos_of_first", [100, 400])
def test_versions_that_learned_far_fewer_photos_or_more_are_no_measure(shop, photos_of_first):
    lose(shop, 0)
    ModelVersion.objects.update(photos=photos_of_first)
    for photos in (3, 6, 9):
        lose(shop, photos)
        ModelVersion.objects.filter(number__gt=1).update(photos=200)
    assert find_best_baseline(active_version(shop)).number == 2


def test_version_that_never_served_is_no_measure(shop):
    for photos in (5, 0, 7):
        lose(shop, photos)
    assert find_best_baseline(active_version(shop)).number == 2
    ModelVersion.objects.filter(number=2).update(held_back="It was made for another backbone.")
    assert find_best_baseline(active_version(shop)).number == 1


# --- With real training ----------------------------------------------------------------------------


@pytest.mark.training
def test_photos_of_another_product_are_caught_named_and_can_be_activated_anyway(shop):
    """All photos of one product are replaced by photos of another one."""
    watcher = make_staff("watcher", shop)
    first = trained(shop, products=6, photos=PHOTOS)
    victim = Product.objects.get(shop=shop, sku="default-0")
    ProductImage.objects.filter(product=victim).delete()
    for seed in range(500, 500 + 2 * PHOTOS):
        add_photo(victim, kind=1, seed=seed)
    work()
    second = ModelVersion.objects.get(shop=shop, number=2)
    assert active_version(shop) == first
    assert "mixes up Product 1 and Product 0" in second.held_back
    to_check = find_photos_to_check(first, second)
    assert to_check
    assert {*to_check} <= {*victim.images.values_list("pk", flat=True)}
    told = Notification.objects.filter(recipient=watcher, data__kind="completed").first()
    assert told.level == "warning"
    assert told.message == second.run.message == second.held_back
    assert training_info(shop).message == second.held_back
    assert not ShopTraining.objects.get(shop=shop).is_owed
    assert activate.activate_version(second)
    assert active_version(shop) == second


@pytest.mark.training
def test_swapped_labels_are_caught(shop):
    """Half of the photos of two products change places."""
    first = trained(shop, products=6, photos=PHOTOS)
    pairs = [Product.objects.get(shop=shop, sku=f"default-{kind}") for kind in (0, 3)]
    moved = [list(product.images.all()[: PHOTOS // 2]) for product in pairs]
    for photos, other in zip(moved, reversed(pairs), strict=True):
        for photo in photos:
            photo.product = other
            photo.save()
    work()
    assert active_version(shop) == first
    held_back = ModelVersion.objects.filter(shop=shop).first().held_back
    assert "look like Product 3 to it. New photos of 1 other product look like a wrong one, too." in held_back


def test_sentence_names_the_products_and_what_was_added(shop):
    second = stock(shop, products=2, photos=12)[1]
    before = {str(photo.pk): [photo.product_id] * 2 for photo in ProductImage.objects.all()}
    added = add_photo(second, 0, seed=99)
    after = {photo: [product, second.pk] for photo, (product, _) in before.items()}
    after[str(added.pk)] = [second.pk, second.pk]
    said = find_regressions(
        ModelVersion(number=1, cross_validated=before), ModelVersion(number=2, cross_validated=after)
    )
    assert "version 2 mixes up Product 0 and Product 1. Of 24 photos" in said
    assert f"Look at what was added or moved there since: {added.filename}." in said


def test_photos_as_they_are_are_compared_where_both_versions_know_them():
    """Moved away, more of them are wrong once photos from other places have come."""
    right, half = judged({1: [1] * 20, 2: [2] * 20}), judged({1: [1] * 20, 2: [1] * 10 + [2] * 10})
    old, new = ModelVersion(number=1, cross_validated=right), ModelVersion(number=2, cross_validated=half)
    assert find_regressions(old, new)
    old.evidence = new.evidence = {"mistaken": {}}
    assert find_regressions(old, new) == ""
    new.evidence = {"mistaken": {photo: pair for photo, pair in half.items() if pair[0] != pair[1]}}
    assert "100 % were right before and 75 % are now" in find_regressions(old, new)


def test_losses_of_products_that_are_switched_off_are_none(shop):
    first, second = stock(shop, products=2, photos=1)
    old, new = (judged({first.pk: [pk] * 20, second.pk: [second.pk] * 20}) for pk in (first.pk, second.pk))
    activate = [ModelVersion(shop=shop, number=n, cross_validated=j) for n, j in ((1, old), (2, new))]
    assert find_regressions(*activate)
    first.is_active = False
    first.save()
    assert find_regressions(*activate) == ""


@pytest.mark.training
def test_product_of_one_photo_is_known(shop):
    """It was not judged, and photos that it takes away are lost."""
    first, second = stock(shop, products=2, photos=12)
    second.images.exclude(pk=second.images.first().pk).delete()
    work()
    old = active_version(shop)
    assert find_known_products(old) == {first.pk, second.pk}
    assert len(old.cross_validated) == 12


@pytest.mark.training
def test_good_photos_are_not_held_back(shop):
    trained(shop, products=6, photos=PHOTOS)
    for kind in range(6):
        product = Product.objects.get(shop=shop, sku=f"default-{kind}")
        for seed in range(700, 704):
            add_photo(product, kind, seed)
    work()
    version = active_version(shop)
    assert version.number == 2
    assert version.held_back == ""
    assert len(version.cross_validated) == 6 * (PHOTOS + 4)


@pytest.mark.training
def test_next_training_is_compared_with_what_serves(shop):
    """Mending the photos brings the next version into service by itself."""
    trained(shop, products=6, photos=PHOTOS)
    victim = Product.objects.get(shop=shop, sku="default-0")
    wrong = [add_photo(victim, kind=1, seed=seed) for seed in range(500, 500 + 3 * PHOTOS)]
    work()
    assert active_version(shop).number == 1
    ProductImage.objects.filter(pk__in=[photo.pk for photo in wrong]).delete()
    work()
    assert active_version(shop).number == 3


@pytest.mark.training
def test_shop_of_two_products_trains_as_ever(shop):
    stock(shop, products=2, photos=1)
    queue.request_training(shop.pk, queue.Change("asked"))
    work()
    assert active_version(shop).held_back == ""
