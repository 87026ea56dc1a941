"""What a deep training learns from, what is held out, and how its rate goes."""

from dataclasses import replace

import numpy as np
import pytest

from ml_training.recognizer.finetune.hyperparameters import Dataset, Hyperparameters, choose_held_out


def test_last_fifth_of_each_product_is_held_out():
    labels = np.array([0] * 10 + [1] * 5 + [2] * 3 + [3])
    held = choose_held_out(labels, np.zeros(len(labels), bool))
    assert np.flatnonzero(held).tolist() == [8, 9, 14, 17]  # a single photo is never held out


def test_photos_that_the_network_before_has_not_learned_are_held_out_first():
    labels, learned = np.zeros(10, np.int64), np.ones(10, bool)
    learned[[2, 5]] = False
    assert np.flatnonzero(choose_held_out(labels, learned)).tolist() == [2, 5]
    learned[2] = True
    assert np.flatnonzero(choose_held_out(labels, learned)).tolist() == [5, 9]


def test_rate_rises_then_falls_to_almost_nothing():
    rates = [Hyperparameters().rate_at(share) for share in np.linspace(0, 1, 50)]
    top = int(np.argmax(rates))
    assert 0.99 < rates[top] < 1.01
    assert rates[-1] < 0.001
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


@pytest.mark.parametrize(("photos", "epochs"), [(50, 20), (1_000, 20), (2_111, 10), (100_000, 3)])
def test_few_photos_are_looked_at_more_often_and_many_less(photos, epochs):
    assert Hyperparameters.for_photos("efficientnet-lite2", photos).epochs == epochs


def test_dataset_survives_being_written_down():
    dataset = Dataset(Hyperparameters(), ("a" * 64, "b" * 64), (0, 1), (False, True))
    assert Dataset.from_json(dataset.as_json()) == dataset


def test_other_photos_or_other_hyperparameters_have_another_fingerprint():
    dataset = Dataset(Hyperparameters(), ("a" * 64, "b" * 64), (0, 1), (False, True))
    others = [
        replace(dataset, photos=("a" * 64, "c" * 64)),
        replace(dataset, hyperparameters=Hyperparameters(seed=1)),
    ]
    assert len({dataset.fingerprint, *(other.fingerprint for other in others)}) == 3
