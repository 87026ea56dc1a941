"""`head.onnx` says what Python says, of one photo and of several of one product, and is small."""

import numpy as np
import onnx
import onnxruntime
import pytest

from catalog.photo_files import open_upright
from ml_training.recognizer.answers.graph import build_head_file
from ml_training.recognizer.answers.promise import NEVER
from ml_training.recognizer.export import join
from ml_training.recognizer.head import Head, fit_head
from ml_training.recognizer.preprocess import to_pixels
from ml_training.recognizer.train import fit_model
from tests.support.demo import UNLIKE, demo_file
from tests.support.vectors import Sample, easy_sample

pytestmark = pytest.mark.training

ALIKE = 0.01  # in scores


@pytest.fixture(scope="module")
def pixels(backbone) -> np.ndarray:
    """(32, V, side, side, 3) of eight groceries, four photos each."""
    preprocessing = backbone.preprocessing
    photos = (demo_file(sku, number).read_bytes() for sku in UNLIKE for number in range(4))
    return np.stack(
        [to_pixels(open_upright(photo, preprocessing.decode_side), preprocessing) for photo in photos]
    )


@pytest.fixture(scope="module")
def groceries(embedder, pixels) -> Sample:
    vectors = np.concatenate([embedder.embed(one[None]) for one in pixels])
    return Sample(vectors, np.repeat(np.arange(len(UNLIKE)), 4))


def learned(sample: Sample, products: int, photos: list[int]) -> Head:
    """A head of the first products, with so many photos of each in turn."""
    rows = [
        row
        for product in range(products)
        for row in np.flatnonzero(sample.labels == product)[: photos[product % len(photos)]]
    ]
    return fit_model(sample.vectors[rows], sample.labels[rows], lambda: None).head


def run(file: bytes, outputs: list[str], **given: np.ndarray) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(file).run(outputs, given)


def said(head: Head, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits of temperature 1, and scores, as Python computes them."""
    logits = head.logits(vectors) * np.float32(head.temperature)
    return logits, head.open_set.scores(vectors, logits)


def agree(head: Head, answered: list[np.ndarray], vectors: np.ndarray) -> None:
    logits, scores = said(head, vectors)
    np.testing.assert_allclose(answered[0], logits, atol=1e-5 * np.abs(logits).max())
    np.testing.assert_allclose(answered[1], scores, atol=ALIKE)
    np.testing.assert_array_equal(answered[0].argmax(axis=1), logits.argmax(axis=1))


@pytest.mark.parametrize(
    ("products", "photos"), [(8, [2]), (2, [2]), (2, [1]), (8, [1]), (8, [1, 2]), (3, [4]), (5, [2, 1, 4])]
)
def test_photos_are_answered_as_in_python(groceries, products, photos):
    """Those it learned too: of the only photo of a product hardly anything is left of its distance."""
    head = learned(groceries, products, photos)
    file = build_head_file(head)
    agree(head, run(file, ["logits", "score"], vectors=groceries.vectors), groceries.vectors)
    for one in groceries.vectors[:3]:
        agree(head, run(file, ["logits", "score"], vectors=one[None]), one[None])


def test_several_photos_of_a_product_are_answered_as_in_python(groceries):
    head = learned(groceries, 8, [2])
    means = groceries.vectors.reshape(len(UNLIKE), 4, -1).mean(axis=1)
    agree(head, run(build_head_file(head), ["logits", "score"], vectors=means), means)


def test_model_file_says_the_same_from_pixels(backbone, groceries, pixels):
    head, names = learned(groceries, 8, [2]), ["logits", "score", "probabilities"]
    file = join(backbone, head)
    for some in (slice(0, 1), slice(0, 5)):
        *answered, probabilities = run(file, names, pixels=pixels[some])
        logits, scores = said(head, groceries.vectors[some])
        np.testing.assert_allclose(answered[0], logits, atol=2e-3 * head.temperature)
        np.testing.assert_allclose(answered[1], scores, atol=ALIKE)
        by_python = np.exp(head.logits(groceries.vectors[some]))
        np.testing.assert_allclose(probabilities, by_python / by_python.sum(axis=1, keepdims=True), atol=1e-3)


@pytest.mark.parametrize("size", [16, 64, 300])
def test_vectors_of_any_backbone_are_taken(size):
    sample = easy_sample(products=5, photos=6, size=size)
    head = fit_model(sample.vectors, sample.labels, lambda: None).head
    new = easy_sample(products=5, photos=6, size=size, seed=1).vectors
    agree(head, run(build_head_file(head), ["logits", "score"], vectors=new), new)


def test_product_that_is_there_twice_is_answered_as_in_python():
    sample = easy_sample(products=4, photos=5)
    twice = np.concatenate([sample.vectors, sample.vectors[:5]])
    head = fit_model(twice, np.concatenate([sample.labels, np.full(5, 4)]), lambda: None).head
    new = easy_sample(products=4, photos=5, seed=1).vectors
    logits, scores = run(build_head_file(head), ["logits", "score"], vectors=new)
    np.testing.assert_allclose(scores, said(head, new)[1], atol=ALIKE)
    np.testing.assert_allclose(logits, said(head, new)[0], rtol=1e-3, atol=0.1)


def test_head_that_does_not_say_how_far_to_trust_it_is_never_certain():
    sample = easy_sample(products=3)
    head = fit_head(sample.vectors, sample.labels)
    logits, score = run(build_head_file(head), ["logits", "score"], vectors=sample.vectors)
    np.testing.assert_allclose(logits, head.logits(sample.vectors), atol=1e-3)
    assert score.tolist() == [-NEVER] * len(sample.vectors)


def test_file_is_sound_and_needs_no_new_operators(groceries):
    model = onnx.load_from_string(build_head_file(learned(groceries, 4, [2])))
    onnx.checker.check_model(model, full_check=True)
    assert (model.opset_import[0].version, model.ir_version) == (13, 7)


def test_numbers_that_float16_does_not_hold_are_kept():
    sample = easy_sample(products=3)
    weights = fit_head(sample.vectors, sample.labels).weights * 1e4
    head = Head(weights, np.zeros(3, np.float32)).rounded()
    np.testing.assert_array_equal(head.weights, weights)
    logits, _ = run(build_head_file(head), ["logits", "score"], vectors=sample.vectors)
    np.testing.assert_allclose(
        logits, sample.vectors @ weights.T, rtol=1e-4, atol=1e-5 * np.abs(weights).max()
    )
    assert np.isfinite(logits).all()


def test_five_hundred_products_take_at_most_ten_kilobytes_each():
    sample = easy_sample(products=500, photos=1, size=1840)
    file = build_head_file(fit_model(sample.vectors, sample.labels, lambda: None).head)
    assert len(file) <= 500 * 10_000
