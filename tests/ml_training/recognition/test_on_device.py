"""docs/model-files.md tells devices how to answer: its example says what the server says."""

import io
import re
import runpy

import numpy as np
import pytest
from PIL import Image

from catalog.models import Product
from config.demo import BASE_DIR
from ml_training.models import ShopTraining
from ml_training.recognition.recognize import Answer, recognize
from ml_training.recognizer.answers.promise import CHOICES
from ml_training.versions import files as version_files
from tests.factories import add_photo, choose, photo_bytes
from tests.ml_training.recognition.test_recognize import pixels_by_the_book
from tests.support.demo import UNLIKE, demo_file
from tests.support.handing import complete, files_of, handed_over
from tests.support.training import active_version, trained, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]

LEARNED = 4  # photos of each product


@pytest.fixture
def device(tmp_path, monkeypatch):
    """Makes the example's names from a version's files."""

    def load(version) -> dict:
        for kind in ("model_json", "metadata", "onnx", "head_onnx"):
            (tmp_path / version.files[kind]["name"]).write_bytes(version_files.read(version, kind))
        (code,) = re.findall(
            r"```python\n(.*?)```", (BASE_DIR / "docs" / "model-files.md").read_text(), re.DOTALL
        )
        monkeypatch.chdir(tmp_path)
        (tmp_path / "device.py").write_text(code)
        return runpy.run_path("device.py")

    return load


@pytest.fixture
def groceries(shop):
    """A version that learned real photos of eight products."""
    for number, sku in enumerate(UNLIKE):
        product = Product.objects.create(shop=shop, sku=sku, name=sku)
        for photo in range(LEARNED):
            add_photo(product, number, photo, demo_file(sku, photo).read_bytes())
    work()
    return active_version(shop)


def agree(shop, device: dict, photos: list[bytes], **chosen: float) -> Answer:
    """The server's answer, which is the device's too."""
    pixels = [pixels_by_the_book(photo, device["model"]["backbone"]["preprocessing"])[0] for photo in photos]
    kind, confidence, products = device["answer"](pixels, **chosen)
    served = recognize(shop, *photos)
    assert kind == served.answer
    assert confidence == pytest.approx(served.confidence, abs=1e-3)
    assert [pk for pk, _ in products] == [one.product_id for one in served.candidates]
    assert [share for _, share in products] == pytest.approx(
        [one.probability for one in served.candidates], abs=1e-3
    )
    return served.answer


def foreign_photo() -> bytes:
    picture = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def test_example_answers_real_photos_as_the_server_does(shop, groceries, device):
    names = device(groceries)
    photos = {sku: [demo_file(sku, LEARNED + n).read_bytes() for n in range(3)] for sku in UNLIKE[:4]}
    kinds = {agree(shop, names, [one]) for some in photos.values() for one in some[:2]}
    kinds |= {agree(shop, names, some) for some in photos.values()}
    kinds.add(agree(shop, names, [foreign_photo()]))
    assert len(kinds) > 1  # so the thresholds were tried


def test_example_keeps_the_promise_that_the_shop_has_chosen(shop, groceries, device):
    names = device(groceries)
    photo = demo_file(UNLIKE[0], LEARNED).read_bytes()
    for wrong, foreign, views in CHOICES:
        if views == 1:
            choose(shop, names_wrong_choice=str(wrong), foreign_shown_choice=str(foreign))
            assert ShopTraining.of(shop).promise()[:2] == (wrong, foreign)
            agree(shop, names, [photo], wrong=wrong, foreign=foreign)


@pytest.mark.parametrize(("products", "photos"), [(2, 1), (4, 2)])
def test_example_answers_for_shops_that_have_just_begun(shop, device, products, photos):
    names = device(trained(shop, products, photos))
    for kind in range(2):
        agree(shop, names, [photo_bytes(kind, seed=60)])
        agree(shop, names, [photo_bytes(kind, seed=seed) for seed in (60, 61)])


def test_example_answers_with_a_model_that_does_not_say_how_far_to_trust_it(shop, device, backbone):
    """As an external trainer may send one."""
    run, token = handed_over(shop)
    complete(token, files_of(run, backbone), run.pk)
    names = device(active_version(shop))
    assert names["model"]["open_set"] is None
    assert agree(shop, names, [photo_bytes(1, seed=60)]) == Answer.CHOOSE
