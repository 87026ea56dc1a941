"""What is said against a version that several things speak against, and which photos are named first."""

import pytest

from ml_training.gate.judge import judge
from ml_training.gate.result import GOOD, GateResult, combine, sort_surest_first
from ml_training.models import LearnedPhoto, ModelVersion
from tests.factories import add_photo, serve, stock


def version(outliers: dict[int, list[int]], misclassified: dict[int, list[int]]) -> ModelVersion:
    pairs = {"strangers": outliers, "mistaken": misclassified}
    evidence = {name: {str(photo): pair for photo, pair in found.items()} for name, found in pairs.items()}
    return ModelVersion(number=2, evidence=evidence)


def test_nothing_speaks_against_it():
    assert combine(GOOD, GOOD) == GOOD
    assert not GOOD


def test_what_concerns_other_photos_is_said_too():
    found = combine(GOOD, GateResult("one", [5, 4]), GateResult("two", [9, 8, 7, 4]))
    assert found == GateResult("one Also: two", [5, 4, 9, 8, 7])


def test_what_concerns_the_same_photos_is_said_once():
    assert combine(GateResult("one", [5, 4, 3]), GateResult("two", [5, 4, 9, 8])) == GateResult(
        "one", [5, 4, 3]
    )
    assert combine(GateResult("one", [5]), GateResult("two")) == GateResult("one", [5])


def test_photos_that_look_wrong_twice_over_are_named_first():
    new = version(outliers={5: [1, 2], 6: [1, 3], 7: [1, 2]}, misclassified={5: [1, 2], 6: [1, 2]})
    assert sort_surest_first(new, [4, 5, 6, 7, 8]) == [5, 7, 6, 8, 4]


def test_photos_that_only_the_trial_takes_for_another_come_before_those_that_look_right():
    new = version(outliers={5: [1, 2]}, misclassified={4: [1, 2]})
    assert sort_surest_first(new, [3, 4, 5, 6]) == [5, 4, 6, 3]


def test_photos_that_look_like_one_and_the_same_product_come_before_a_single_one():
    new = version(outliers={5: [1, 2], 6: [1, 2], 7: [1, 3]}, misclassified={})
    assert sort_surest_first(new, [5, 6, 7]) == [6, 5, 7]


@pytest.mark.django_db
def test_new_look_alike_does_not_hide_wrong_photos_elsewhere(shop):
    stock(shop, products=3, photos=20)
    first, second, third = shop.products.order_by("pk")
    old = {photo.pk: photo.product_id for photo in first.images.all() | second.images.all()}
    active = serve(shop, cross_validated={str(pk): [product, product] for pk, product in old.items()})
    learned = first.images.all() | second.images.all()
    LearnedPhoto.objects.bulk_create(
        LearnedPhoto(shop=shop, photo=photo, product=photo.product, sha256=photo.sha256, since=1)
        for photo in learned
    )
    wrong = [add_photo(second, 0, seed).pk for seed in range(100, 106)]
    taken = [str(photo.pk) for photo in first.images.all()[:15]]
    twins = list(third.images.values_list("pk", flat=True))
    judged = active.cross_validated | {pk: [first.pk, third.pk] for pk in taken}
    judged |= {str(pk): [third.pk, third.pk] for pk in twins} | {str(pk): [second.pk] * 2 for pk in wrong}
    outliers = {str(pk): [second.pk, first.pk] for pk in wrong}
    new = ModelVersion(shop=shop, number=2, cross_validated=judged, evidence={"strangers": outliers})
    found = judge(active, new)
    assert "which is new, takes away 15 of the 20 photos" in found.why
    assert "Also: 6 of the 26 photos that came or were moved since version 1" in found.why
    assert set(found.photos) == {*twins, *wrong}
    assert found.why.count("goes on serving") == 1
