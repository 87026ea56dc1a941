"""What is said against a version that several things speak against, and which photos are named first."""

import pytest

from ml_training.gate.judge import judge
from ml_training.gate.result import GOOD, Verdict, surest_first, together
from ml_training.models import LearnedPhoto, ModelVersion
from tests.factories import add_photo, serve, stock


def version(strangers: dict[int, list[int]], mistaken: dict[int, list[int]]) -> ModelVersion:
    pairs = {"strangers": strangers, "mistaken": mistaken}
    doubts = {name: {str(photo): pair for photo, pair in found.items()} for name, found in pairs.items()}
    return ModelVersion(number=2, doubts=doubts)


def test_nothing_speaks_against_it():
    assert together(GOOD, GOOD) == GOOD and not GOOD


def test_what_concerns_other_photos_is_said_too():
    found = together(GOOD, Verdict("one", [5, 4]), Verdict("two", [9, 8, 7, 4]))
    assert found == Verdict("one Also: two", [5, 4, 9, 8, 7])


def test_what_concerns_the_same_photos_is_said_once():
    assert together(Verdict("one", [5, 4, 3]), Verdict("two", [5, 4, 9, 8])) == Verdict("one", [5, 4, 3])
    assert together(Verdict("one", [5]), Verdict("two")) == Verdict("one", [5])


def test_photos_that_look_wrong_twice_over_are_named_first():
    new = version(strangers={5: [1, 2], 6: [1, 3], 7: [1, 2]}, mistaken={5: [1, 2], 6: [1, 2]})
    assert surest_first(new, [4, 5, 6, 7, 8]) == [5, 7, 6, 8, 4]


def test_photos_that_only_the_trial_takes_for_another_come_before_those_that_look_right():
    new = version(strangers={5: [1, 2]}, mistaken={4: [1, 2]})
    assert surest_first(new, [3, 4, 5, 6]) == [5, 4, 6, 3]


def test_photos_that_look_like_one_and_the_same_product_come_before_a_single_one():
    new = version(strangers={5: [1, 2], 6: [1, 2], 7: [1, 3]}, mistaken={})
    assert surest_first(new, [5, 6, 7]) == [6, 5, 7]


@pytest.mark.django_db
def test_new_look_alike_does_not_hide_wrong_photos_elsewhere(shop):
    stock(shop, products=3, photos=20)
    first, second, third = shop.products.order_by("pk")
    old = {photo.pk: photo.product_id for photo in first.images.all() | second.images.all()}
    active = serve(shop, judged={str(pk): [product, product] for pk, product in old.items()})
    learned = first.images.all() | second.images.all()
    LearnedPhoto.objects.bulk_create(
        LearnedPhoto(shop=shop, photo=photo, product=photo.product, sha256=photo.sha256, since=1)
        for photo in learned
    )
    wrong = [add_photo(second, 0, seed).pk for seed in range(100, 106)]
    taken = [str(photo.pk) for photo in first.images.all()[:15]]
    twins = list(third.images.values_list("pk", flat=True))
    judged = active.judged | {pk: [first.pk, third.pk] for pk in taken}
    judged |= {str(pk): [third.pk, third.pk] for pk in twins} | {str(pk): [second.pk] * 2 for pk in wrong}
    strangers = {str(pk): [second.pk, first.pk] for pk in wrong}
    new = ModelVersion(shop=shop, number=2, judged=judged, doubts={"strangers": strangers})
    found = judge(active, new)
    assert "which is new, takes away 15 of the 20 photos" in found.why
    assert "Also: 6 of the 26 photos that came or were moved since version 1" in found.why
    assert set(found.photos) == {*twins, *wrong}
    assert found.why.count("goes on serving") == 1
