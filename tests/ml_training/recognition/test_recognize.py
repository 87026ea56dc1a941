"""Which product is this? Answered by the active version, in every process, from this call on."""

import io
import json

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from catalog.models import Product
from catalog.photo_files import PhotoRefused
from ml_training.backbones.loader import BackboneMissing
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.recognition.recognize import recognize
from ml_training.runs import queue
from ml_training.runs.reconcile import reconcile
from ml_training.versions import files as version_files
from ml_training.versions.files import ModelFileDamaged
from ml_training.versions.load import MAX_LOADED, NoActiveModel, active_model
from tests.factories import add_photo, make_shop, photo_bytes
from tests.support.training import active_version, counters, queued_run, statuses, trained, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


def names(shop, photo=None, **kwargs) -> list[str]:
    found = recognize(shop, photo or photo_bytes(0, seed=50), **kwargs)
    return [candidate.name for candidate in found.candidates]


def activate(version: ModelVersion) -> None:
    """As another process would: only the row changes."""
    ShopTraining.objects.filter(shop_id=version.shop_id).update(active_version=version)


def copy_of(version: ModelVersion, number: int) -> ModelVersion:
    """The same model once more, under another number."""
    run = TrainingRun.objects.create(shop_id=version.shop_id, status="completed")
    version = ModelVersion.objects.get(pk=version.pk)
    version.pk, version.number, version.run = None, number, run
    version.save()
    return version


def test_photo_is_answered_with_products_by_falling_probability(shop):
    version = trained(shop, products=4, photos=2)
    answer = recognize(shop, photo_bytes(2, seed=50))
    assert answer.version == version.number
    best, *others = answer.candidates
    product = Product.objects.get(shop=shop, sku="default-2")
    assert (best.product_id, best.sku, best.name) == (product.pk, "default-2", "Product 2")
    probabilities = [candidate.probability for candidate in answer.candidates]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert len(others) == 3


def test_limit_is_the_most_candidates_and_six_where_too_little_was_tried_for_a_short_list(shop):
    trained(shop, products=7, photos=1)
    assert len(names(shop)) == 6
    assert names(shop, limit=2) == names(shop)[:2]
    assert len(names(shop, limit=99)) == 7


def test_shop_without_a_model_says_what_to_do(shop):
    with pytest.raises(NoActiveModel, match="My shop has no model yet"):
        recognize(shop, photo_bytes())


def test_file_that_is_no_photo_is_refused_and_the_next_one_answered(shop):
    trained(shop, products=2, photos=1)
    with pytest.raises(PhotoRefused):
        recognize(shop, b"no photo")
    assert names(shop)[0] == "Product 0"


def test_product_switched_off_is_not_answered_at_once_and_switched_on_again(shop):
    trained(shop, products=3, photos=2)
    assert names(shop)[0] == "Product 0"
    product = Product.objects.get(shop=shop, sku="default-0")
    product.is_active = False
    product.save()
    off = recognize(shop, photo_bytes(0, seed=50)).candidates
    assert sorted(candidate.name for candidate in off) == ["Product 1", "Product 2"]
    assert sum(candidate.probability for candidate in off) == pytest.approx(1, abs=1e-5)
    product.is_active = True
    product.save()
    assert names(shop)[0] == "Product 0"
    assert active_version(shop).number == 1  # no run was needed for either


def test_product_switched_off_stays_known_to_the_next_model(shop):
    trained(shop, products=3, photos=1)
    product = Product.objects.get(shop=shop, sku="default-0")
    product.is_active = False
    product.save()
    work()
    assert active_version(shop).number == 2
    assert "Product 0" not in names(shop)
    Product.objects.filter(pk=product.pk).update(is_active=True)
    assert names(shop)[0] == "Product 0"


def test_product_deleted_or_moved_away_is_not_answered_at_once(shop, other_shop):
    trained(shop, products=4, photos=1)
    Product.objects.get(shop=shop, sku="default-0").delete()
    Product.objects.filter(sku="default-1").update(shop=other_shop)
    assert sorted(names(shop)) == ["Product 2", "Product 3"]


def test_no_product_left_is_an_empty_answer(shop):
    trained(shop, products=2, photos=1)
    Product.objects.update(is_active=False)
    assert recognize(shop, photo_bytes(0)).candidates == []


def test_product_renamed_is_answered_by_its_new_name(shop):
    trained(shop, products=2, photos=1)
    Product.objects.filter(sku="default-0").update(name="Oat milk")
    assert names(shop)[0] == "Oat milk"


def test_product_added_after_training_is_answered_once_it_is_trained(shop):
    trained(shop, products=2, photos=1)
    add_photo(Product.objects.create(shop=shop, sku="new", name="New"), kind=4)
    assert "New" not in names(shop)
    work()
    assert names(shop, photo_bytes(4, seed=50))[0] == "New"


def test_version_activated_in_the_database_answers_the_next_call(shop):
    first = trained(shop, products=2, photos=1)
    add_photo(Product.objects.create(shop=shop, sku="new", name="New"), kind=4)
    work()
    assert recognize(shop, photo_bytes(0)).version == 2
    assert "New" in names(shop)
    activate(first)
    assert recognize(shop, photo_bytes(0)).version == 1
    assert "New" not in names(shop)


def test_shops_answer_with_their_own_products(shop):
    trained(shop, products=2, photos=1)
    other = make_shop("other")
    trained(other, products=3, photos=1)
    skus = {candidate.sku for candidate in recognize(other, photo_bytes(0)).candidates}
    assert skus == {"other-0", "other-1", "other-2"}
    assert {candidate.sku for candidate in recognize(shop, photo_bytes(0)).candidates} == {
        "default-0",
        "default-1",
    }


def test_model_in_memory_needs_no_file_again(shop, tmp_path, django_assert_num_queries):
    version = trained(shop, products=2, photos=1)
    recognize(shop, photo_bytes(0))
    version_files.remove(version.folder)
    with django_assert_num_queries(2):  # which version is active, which products are
        assert names(shop)[0] == "Product 0"


def test_only_so_many_models_stay_in_memory_and_the_others_are_read_again(shop):
    version = trained(shop, products=2, photos=1)
    oldest = active_model(shop)
    for number in range(2, MAX_LOADED + 2):
        activate(copy_of(version, number))
        newest = active_model(shop)
    assert active_model(shop) is newest
    activate(version)
    assert active_model(shop) is not oldest
    assert active_model(shop).version == 1


@pytest.mark.parametrize("kind", ["model_json", "weights", "metadata"])
def test_damaged_model_file_is_refused_with_a_sentence(shop, tmp_path, kind):
    version = trained(shop, products=2, photos=1)
    path = tmp_path / "models" / version.folder / version.files[kind]["name"]
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileDamaged, match=f"{path.name} of version 1 is damaged"):
        recognize(shop, photo_bytes(0))


def pixels_by_the_book(photo: bytes, preprocessing: dict) -> np.ndarray:
    """What a device does that has only model.json and Pillow: (1, V, side, side, 3) uint8."""
    assert (preprocessing["resample"], preprocessing["layout"], preprocessing["channels"]) == (
        "bilinear",
        "VHWC",
        "RGB",
    )
    image, side, views = Image.open(io.BytesIO(photo)).convert("RGB"), preprocessing["side"], []
    for view in preprocessing["views"]:
        width, height = image.width * view["share"], image.height * view["share"]
        left, top = (image.width - width) / 2, (image.height - height) / 2
        top += view.get("down", 0) * image.height
        box = (left, top, left + width, top + height)
        picture = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))
        views.append(picture[:, ::-1] if view["mirrored"] else picture)
    return np.stack(views)[None]


def test_onnx_file_alone_gives_the_same_probabilities_from_raw_pixels(shop):
    version = trained(shop, products=4, photos=2)
    model = json.loads(version_files.read(version, "model_json"))
    labels = json.loads(version_files.read(version, "metadata"))["labels"]
    session = onnxruntime.InferenceSession(version_files.read(version, "onnx"))
    for kind in range(4):
        photo = photo_bytes(kind, seed=60)
        pixels = pixels_by_the_book(photo, model["backbone"]["preprocessing"])
        (probabilities,) = session.run(["probabilities"], {"pixels": pixels})
        served = {item.product_id: item.probability for item in recognize(shop, photo).candidates}
        alone = {label["id"]: float(value) for label, value in zip(labels, probabilities[0], strict=True)}
        assert served == pytest.approx(alone, abs=1e-3)
        assert max(alone, key=alone.get) == labels[kind]["id"]


def test_model_is_answered_by_the_backbone_it_was_made_for_whatever_the_setting_is_now(shop, settings):
    trained(shop, products=2, photos=1)
    settings.BACKBONE = "efficientnet-lite2"
    assert names(shop)[0] == "Product 0"


def test_model_of_a_backbone_that_is_gone_says_so_and_is_made_anew_once(shop):
    version = trained(shop, products=2, photos=1)
    ModelVersion.objects.update(backbone="efficientnet-lite0-160-v0")
    with pytest.raises(BackboneMissing, match="efficientnet-lite0-160-v0"):
        recognize(shop, photo_bytes(0))
    reconcile()
    reconcile()
    assert queued_run(shop).trigger == [{"kind": "backbone_changed", "product": "", "count": 1}]
    work()
    assert active_version(shop) != version
    assert names(shop)[0] == "Product 0"
    reconcile()
    assert statuses(shop) == ["completed", "completed"]


def test_model_of_another_backbone_is_not_made_anew_for_ever_where_photos_are_gone(shop):
    trained(shop, products=2, photos=1)
    ModelVersion.objects.update(backbone="efficientnet-lite0-160-v0")
    Product.objects.all().delete()
    work()
    reconcile()
    assert statuses(shop) == ["completed", "completed"]
    wanted, done = counters(shop)
    assert wanted == done


def test_model_of_this_backbone_is_left_alone(shop):
    trained(shop, products=2, photos=1)
    reconcile()
    assert statuses(shop) == ["completed"]
    assert queue.owed_run(shop) is None


def test_picture_with_too_many_pixels_is_refused_before_it_is_decoded(shop, settings, monkeypatch):
    """A file of some kilobytes can hold a picture of gigabytes."""
    trained(shop, products=2, photos=1)
    settings.PHOTO_MAX_MEGAPIXELS = 1
    bomb = io.BytesIO()
    Image.new("1", (1100, 1000)).save(bomb, "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("it was decoded"))
    with pytest.raises(PhotoRefused, match="at most 1 are taken"):
        recognize(shop, bomb.getvalue())
