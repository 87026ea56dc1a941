"""Photos are judged by heads that did not see them, as if they had been taken elsewhere."""

import numpy as np
import pytest

from ml_training.recognizer.answers.score import FEATURES
from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.covariance import Scatter
from ml_training.recognizer.cross_validation import SHIFT, Trials, plan_trials, run_trials
from ml_training.recognizer.head import TooFewProducts, fit_head
from ml_training.recognizer.metrics import measure_reliability
from ml_training.recognizer.train import fit_model
from tests.support.vectors import easy_sample


def tried(vectors: np.ndarray, labels: np.ndarray, unseen: np.ndarray | None = None) -> Trials:
    plan = plan_trials(labels, unseen)
    return run_trials(vectors, labels, plan, Scatter(vectors, labels, plan.left_out(labels)))


def noise(products: int = 4, photos: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Photos whose labels were drawn by lot."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(products * photos, 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, np.tile(np.arange(products), photos)


def test_every_photo_of_a_product_with_several_is_judged_once():
    sample = easy_sample(products=4, photos=5)
    trials = tried(sample.vectors, sample.labels)
    assert sorted(trials.held.tolist()) == list(range(20))
    assert trials.logits.shape == (20, 4)


def test_photo_does_not_help_to_judge_itself():
    """Labels drawn by lot cannot be guessed; a head that saw them would know them by heart."""
    vectors, labels = noise()
    assert (fit_head(vectors, labels).logits(vectors).argmax(axis=1) == labels).mean() > 0.9
    answers = tried(vectors, labels).moved(labels, 0.0).argmax(axis=1)
    assert (answers == labels[tried(vectors, labels).held]).mean() < 0.5


def test_photos_from_elsewhere_are_harder_and_nothing_else_moves():
    sample = easy_sample(photos=6)
    trials = tried(sample.vectors, sample.labels)
    here, elsewhere = (trials.moved(sample.labels, shift) for shift in (0.0, SHIFT))
    own = sample.labels[trials.held][:, None]
    assert (np.take_along_axis(elsewhere, own, 1) < np.take_along_axis(here, own, 1)).all()
    others = np.arange(here.shape[1]) != own
    np.testing.assert_array_equal(here[others], elsewhere[others])


def test_product_with_one_photo_is_known_to_every_head_and_not_judged():
    sample = easy_sample(products=3, photos=4)
    kept = np.array([0, 4, 5, 6, 7, 8, 9, 10, 11])  # one photo of the first product
    trials = tried(sample.vectors[kept], sample.labels[kept])
    assert 0 not in trials.held
    assert trials.logits.shape == (8, 3)
    assert np.isfinite(trials.logits).all()
    assert np.isfinite(trials.spread.in_plane).all()


def test_one_photo_a_product_leaves_nothing_to_judge_and_nothing_certain():
    sample = easy_sample(products=5, photos=1)
    trials = tried(sample.vectors, sample.labels)
    assert trials.held.shape == (0,)
    assert trials.logits.shape == (0, 5)
    fitted = fit_model(sample.vectors, sample.labels, lambda: None)
    head, metrics = fitted.head, fitted.metrics
    assert "accuracy" not in metrics
    scores = head.open_set.scores(sample.vectors, head.logits(sample.vectors) * head.temperature)
    assert not (scores > min(head.open_set.thresholds.named.values())).any()


@pytest.mark.parametrize(("products", "photos"), [(2, 2), (2, 9), (3, 3), (4, 2), (5, 7)])
def test_every_size_of_shop_can_be_tried(products, photos):
    sample = easy_sample(products=products, photos=photos)
    trials = tried(sample.vectors, sample.labels)
    assert sorted(trials.held.tolist()) == list(range(products * photos))
    elsewhere, unknown = (part.features for part in (trials.known_elsewhere, trials.unknown))
    assert elsewhere.shape[1] == unknown.shape[1] == FEATURES
    assert len(trials.known_elsewhere.right) == len(elsewhere)
    for values in (trials.logits, trials.away, elsewhere, unknown, trials.spread.plain):
        assert np.isfinite(values).all()


def test_each_product_is_hidden_once_if_enough_are_left():
    sample = easy_sample(products=8, photos=4)
    assert len(tried(sample.vectors, sample.labels).unknown.products) == 32
    few = easy_sample(products=3, photos=4)
    assert len(tried(few.vectors, few.labels).unknown.products) == 0


def test_photos_that_the_backbone_learned_from_are_not_judged_and_play_nothing_unknown():
    sample = easy_sample(products=8, photos=6)
    unseen = np.arange(48) % 6 >= 4
    trials = tried(sample.vectors, sample.labels, unseen)
    assert sorted(trials.held.tolist()) == np.flatnonzero(unseen).tolist()
    assert len(trials.unknown.products) == 16
    none = tried(sample.vectors, sample.labels, np.zeros(48, bool))
    assert len(none.held) == len(none.unknown.products) == 0


def test_same_photos_are_judged_alike():
    sample = easy_sample()
    first, again = (tried(sample.vectors, sample.labels) for _ in range(2))
    np.testing.assert_array_equal(first.logits, again.logits)
    np.testing.assert_array_equal(first.unknown.features, again.unknown.features)


@pytest.mark.parametrize("photos", [1, 2, 8])
def test_fitted_model_is_right_and_says_so_with_a_probability(photos):
    sample, new = easy_sample(photos=photos), easy_sample(photos=10, seed=1)
    called = []
    fitted = fit_model(sample.vectors, sample.labels, lambda: called.append(1))
    head, metrics = fitted.head, fitted.metrics
    assert called == [1]
    assert (head.logits(new.vectors).argmax(axis=1) == new.labels).mean() >= 0.95
    assert head.temperature > 0
    assert isinstance(metrics, dict)


def test_single_photos_make_no_answer_certain():
    """The photos of `noise` show nothing: neither one a product nor two can be sure of the next."""
    vectors, labels = noise(products=4, photos=12)
    for photos in (4, 8):
        head = fit_model(vectors[:photos], labels[:photos], lambda: None).head
        sure = softmax(head.logits(vectors[12:]) / np.float32(head.temperature)).max(axis=1)
        assert sure.mean() < 0.6


@pytest.mark.parametrize("times", [1, 20, 300])
def test_copies_of_a_photo_change_nothing(times):
    sample = easy_sample(photos=8, noise=0.6)
    alone = fit_model(sample.vectors, sample.labels, lambda: None)
    rows = np.r_[: len(sample.labels), [3] * times, [17] * times]
    rows = rows[np.argsort(sample.labels[rows], kind="stable")]
    fitted = fit_model(sample.vectors[rows], sample.labels[rows], lambda: None)
    assert fitted.head.temperature == alone.head.temperature
    assert fitted.metrics == alone.metrics
    np.testing.assert_array_equal(fitted.head.weights, alone.head.weights)
    assert [len(group) - 1 for group in fitted.copies] == [times, times]
    assert not alone.copies
    copied = np.concatenate([group[1:] for group in fitted.copies])
    assert set(rows[copied]) == {3, 17}
    assert (fitted.answers[copied] == -1).all()
    np.testing.assert_array_equal(np.delete(fitted.answers, copied), alone.answers)


def test_copies_of_one_photo_of_a_burst_do_not_hide_those_of_another():
    sample = easy_sample(photos=8)
    near = sample.vectors[3] + 0.024 * np.random.default_rng(1).normal(size=64).astype(np.float32)
    near /= np.linalg.norm(near)
    assert 0.97 < near @ sample.vectors[3] < 0.99
    added = np.stack([sample.vectors[3]] * 9 + [near] * 50)
    vectors = np.concatenate([sample.vectors, added])
    labels = np.concatenate([sample.labels, np.zeros(59, np.int64)])
    assert [len(group) for group in fit_model(vectors, labels, lambda: None).copies] == [50, 10]


def test_products_of_single_photos_make_probabilities_modest_and_are_not_counted_as_judged():
    sample = easy_sample(products=6, photos=8, noise=0.8)
    few = np.concatenate([np.flatnonzero(sample.labels < 3), np.flatnonzero(sample.labels >= 3)[::8]])
    all_judged = fit_model(sample.vectors, sample.labels, lambda: None)
    half_judged = fit_model(sample.vectors[few], sample.labels[few], lambda: None)
    assert (all_judged.metrics["products_judged"], half_judged.metrics["products_judged"]) == (6, 3)
    assert half_judged.head.temperature > all_judged.head.temperature


def test_accuracy_is_high_where_products_lie_apart_and_low_where_labels_mean_nothing():
    sample = easy_sample(photos=8)
    easy = fit_model(sample.vectors, sample.labels, lambda: None).metrics
    random = fit_model(*noise(), lambda: None).metrics
    assert easy["accuracy"] > 0.95
    assert not easy["mix_ups"]
    assert random["accuracy"] < 0.5
    assert random["mix_ups"]
    low, high = random["accuracy_range"]
    assert low <= random["accuracy"] < high
    shown, answered, share = random["mix_ups"][0]
    assert shown != answered
    assert 0 < share <= 1
    assert set(random["accuracy_by_product"]) == {"0", "1", "2", "3"}


def test_reliability_tells_probabilities_from_what_came_true():
    logits = np.log(np.array([[0.75, 0.25]] * 8 + [[0.45, 0.55]] * 2, np.float32))
    labels = np.array([0] * 6 + [1] * 2 + [1, 0])
    assert measure_reliability(logits, labels) == [[0.55, 0.5, 2], [0.75, 0.75, 8]]
    assert measure_reliability(np.zeros((0, 2), np.float32), np.zeros(0, np.int64)) == []


def test_fitted_model_of_one_product_is_refused():
    with pytest.raises(TooFewProducts):
        fit_model(easy_sample().vectors[:3], np.zeros(3, np.int64), lambda: None)
