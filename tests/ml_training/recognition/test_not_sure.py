"""An answer is given or is "not sure": unknown products get no name, and each shop says how careful it is."""

import json

import numpy as np
import pytest
from django.core.management import call_command

from catalog.models import Product
from ml_training.models import ShopTraining
from ml_training.recognition.recognize import MAX_LIST, Answer, recognize
from ml_training.recognizer.answers.promise import FOREIGN, WRONG
from tests.factories import choose, draw, encode, photo_bytes
from tests.support.training import trained

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


def test_every_choice_of_a_shop_is_a_rate_that_models_have_a_threshold_for():
    assert [float(choice) for choice in ShopTraining.NamesWrong.values] == list(WRONG)
    assert [float(choice) for choice in ShopTraining.ForeignShown.values] == list(FOREIGN)


@pytest.fixture
def shop_of_six(shop):
    """One that names more than others: where products are so few, careful ones name nothing."""
    choose(shop, names_wrong_choice=ShopTraining.NamesWrong.values[-1])
    trained(shop, products=6, photos=6)
    return shop


def unknown(seed: int) -> bytes:
    """A photo of no product: grey stripes."""
    image = draw(0, seed).convert("L").rotate(40, expand=True).resize((96, 24)).resize((96, 96))
    return encode(image.convert("RGB"))


def named(shop, photos) -> int:
    return sum(recognize(shop, photo).recognized for photo in photos)


def test_known_products_get_names_and_strange_photos_do_not(shop_of_six):
    known = [photo_bytes(kind, seed) for kind in range(6) for seed in (50, 51)]
    assert named(shop_of_six, known) >= 4
    assert named(shop_of_six, [unknown(seed) for seed in range(8)]) <= 1


def test_careful_shop_names_no_more_than_a_bold_one(shop_of_six):
    photos = [photo_bytes(kind, seed) for kind in range(6) for seed in (50, 51)]
    counts = []
    for choice in ShopTraining.NamesWrong.values:
        choose(shop_of_six, names_wrong_choice=choice)
        counts.append(named(shop_of_six, photos))
    assert counts == sorted(counts)
    assert counts[-1] > 0


def test_nothing_is_certain_with_too_little_to_try(shop):
    trained(shop, products=3, photos=2)
    answer = recognize(shop, photo_bytes(0, 50))
    assert answer.candidates
    assert not answer.recognized


def test_answer_stands_on_the_products_that_are_switched_on(shop_of_six):
    """With its product switched off, a photo is one of an unknown product."""
    photos = [photo_bytes(2, seed) for seed in range(50, 58)]
    before = named(shop_of_six, photos)
    Product.objects.filter(shop=shop_of_six, sku="default-2").update(is_active=False)
    assert named(shop_of_six, photos) < before
    Product.objects.update(is_active=True)
    assert named(shop_of_six, photos) == before


def test_photos_of_products_that_are_switched_off_get_no_other_name(shop_of_six):
    Product.objects.filter(shop=shop_of_six).exclude(sku__in=["default-0", "default-1"]).update(
        is_active=False
    )
    assert (
        named(shop_of_six, [photo_bytes(kind, seed) for kind in range(2, 6) for seed in range(50, 56)]) == 0
    )
    assert named(shop_of_six, [photo_bytes(kind, seed) for kind in range(2) for seed in range(50, 56)]) >= 6


def test_only_product_left_is_named_where_it_is_shown(shop_of_six):
    """The model still knows the others, so what it says of this one is as sure as before."""
    photos = [photo_bytes(2, seed) for seed in range(50, 58)]
    before = named(shop_of_six, photos)
    Product.objects.exclude(sku="default-2").update(is_active=False)
    assert named(shop_of_six, photos) == before > 0
    assert {len(recognize(shop_of_six, photo).candidates) for photo in photos} == {1}


def test_answer_is_a_name_a_choice_or_unknown_with_a_chance(shop_of_six):
    answer = recognize(shop_of_six, photo_bytes(0, 50))
    assert answer.answer is Answer.NAMED
    assert 0.5 < answer.confidence <= 1
    assert 1 <= len(answer.candidates) <= MAX_LIST
    strange = recognize(shop_of_six, unknown(0))
    assert strange.answer is not Answer.NAMED
    assert strange.confidence < answer.confidence


def test_photos_of_one_product_are_answered_together(shop_of_six):
    photos = [photo_bytes(3, seed) for seed in (50, 51, 52)]
    together = recognize(shop_of_six, *photos)
    assert together.candidates[0].sku == "default-3"
    vectors = np.stack([recognize(shop_of_six, photo).vector for photo in photos])
    np.testing.assert_allclose(together.vector, vectors.mean(axis=0), atol=1e-6)


def test_evaluate_reports_named_and_unknown(shop_of_six, tmp_path, capsys):
    for kind in range(6):
        folder = tmp_path / "test" / f"default-{kind}"
        folder.mkdir(parents=True)
        for seed in (60, 61):
            (folder / f"{seed}.jpg").write_bytes(photo_bytes(kind, seed))
    strange = tmp_path / "test" / "strange"
    strange.mkdir()
    for seed in range(4):
        (strange / f"{seed}.jpg").write_bytes(unknown(seed))
    call_command("evaluate", tmp_path / "test", json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["photos"] == 12
    assert report["unknown_photos"] == 4
    assert report["unknown_skus"] == ["strange"]
    assert report["named"] >= 0.3
    assert report["named_correct"] >= 0.8
    assert report["unknown_named"] <= 0.25
