"""Photos that came lately and look like another product: when they are too many."""

import pytest
from django.utils import timezone

from ml_training.gate.judge import find_photos_to_check, find_regressions
from ml_training.gate.mislabelled import find_mislabelled_since
from ml_training.models import LearnedPhoto, ModelVersion, ShopTraining
from tests.factories import add_photo, serve, stock
from tests.support.training import active_version


def since(*counts: int) -> dict[str, int]:
    """By photo the version that learned it first: so many by version 1, so many by version 2, ..."""
    numbers = [number for number, count in enumerate(counts, 1) for _ in range(count)]
    return {str(photo): number for photo, number in enumerate(numbers)}


def misplaced(photos: dict[str, int], wrong: dict[int, int], served: list[int]):
    """So many of the photos of some versions look like another product."""
    outliers = set()
    for number, count in wrong.items():
        outliers |= set([photo for photo, first in photos.items() if first == number][:count])
    return find_mislabelled_since(photos, outliers, served)


@pytest.mark.parametrize(
    ("new", "wrong", "found"),
    [
        (7, 2, False),
        (7, 3, True),
        (14, 4, True),
        (14, 2, False),
        (100, 12, False),
        (100, 14, True),
        (2, 2, False),
    ],
)
def test_share_of_the_new_photos_decides(new, wrong, found):
    assert (misplaced(since(100, new), {2: wrong}, [1]) is not None) is found


def test_few_each_time_are_too_many_together():
    photos = since(100, 7, 7, 7)
    assert misplaced(photos, {4: 2}, [3]) is None
    found = misplaced(photos, {2: 2, 3: 2, 4: 2}, [3, 2, 1])
    assert (found.since, found.new, len(found.photos)) == (1, 21, 6)


def test_good_photos_that_come_later_mend_nothing():
    photos = since(100, 6, 120)
    found = misplaced(photos, {2: 6}, [1])
    assert (found.since, found.until, found.new, len(found.photos)) == (1, 2, 6, 6)
    assert misplaced(photos, {2: 6}, [2, 1]) is None  # it serves: a person has let it


def test_shop_whose_old_photos_look_strange_too_is_used_to_it():
    assert misplaced(since(100, 20), {2: 5}, [1])
    assert misplaced(since(100, 20), {1: 15, 2: 5}, [1]) is None


def test_photos_that_were_there_are_not_new():
    assert misplaced(since(100, 20), {1: 30}, [1]) is None
    assert misplaced({}, {}, [1]) is None


@pytest.fixture
def learned(shop, db):
    """A version, the next one, and the twelve photos that came between them; four look misplaced."""
    stock(shop, products=2, photos=20)
    first, second = shop.products.order_by("pk")
    old = serve(
        shop,
        cross_validated={str(p.pk): [p.product_id] * 2 for p in first.images.all() | second.images.all()},
    )
    LearnedPhoto.objects.bulk_create(
        LearnedPhoto(shop=shop, photo=photo, product=photo.product, sha256=photo.sha256, since=1)
        for photo in first.images.all() | second.images.all()
    )
    came = [add_photo(first, 5, seed).pk for seed in range(100, 112)]
    judged = old.cross_validated | {str(pk): [first.pk, first.pk] for pk in came}
    outliers = {str(pk): [first.pk, second.pk] for pk in came[:4]}
    return (
        old,
        ModelVersion(shop=shop, number=2, cross_validated=judged, evidence={"strangers": outliers}),
        came,
    )


def test_sentence_says_how_many_and_what_to_do(learned):
    old, new, came = learned
    first, second = (product.name for product in old.shop.products.order_by("pk"))
    said = find_regressions(old, new)
    assert "4 of the 12 photos that came or were moved since version 1 look more like another product" in said
    assert f"on {first}, which looks like {second}" in said
    assert "activate version 2" in said
    new.held_back = said
    assert find_photos_to_check(old, new) == sorted(came[:4], reverse=True)


def test_photos_that_a_held_back_version_learned_are_still_new(learned):
    old, new, came = learned
    LearnedPhoto.objects.bulk_create(
        LearnedPhoto(
            shop=old.shop, photo_id=pk, product_id=new.cross_validated[str(pk)][0], sha256=str(pk), since=2
        )
        for pk in came
    )
    new.number = 3
    assert find_regressions(old, new)


def test_photos_that_a_version_learned_which_a_person_chose_are_not(learned):
    old, new, came = learned
    LearnedPhoto.objects.bulk_create(
        LearnedPhoto(
            shop=old.shop, photo_id=pk, product_id=new.cross_validated[str(pk)][0], sha256=str(pk), since=2
        )
        for pk in came
    )
    chosen = serve(
        old.shop, cross_validated=new.cross_validated, held_back="Worse.", chosen_at=timezone.now()
    )
    ShopTraining.objects.update(active_version=chosen)
    new.number = 3
    assert find_regressions(active_version(old.shop), new) == ""
