"""A training that was cut short goes on, and ends as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import torch

from ml_training.recognizer.backbone import PACKAGED, load_encoder
from ml_training.recognizer.finetune.checkpoints import learned
from ml_training.recognizer.finetune.hyperparameters import Dataset, Hyperparameters
from ml_training.recognizer.finetune.loop import save_start, train
from ml_training.recognizer.finetune.photos import keep_small_copy
from tests.factories import draw

pytestmark = pytest.mark.training
HYPERPARAMETERS = Hyperparameters(
    base="efficientnet-lite0", first_block=14, epochs=3, batch=4, rate=1e-3, classifier_rate=1e-3
)


class Interrupted(Exception):
    """Raised by a test in the middle of a training."""


@pytest.fixture
def dataset() -> Dataset:
    names = tuple(f"{number:064x}" for number in range(12))
    return Dataset(HYPERPARAMETERS, names, tuple(n % 3 for n in range(12)), tuple(n >= 9 for n in range(12)))


def folder_for(dataset: Dataset, folder):
    (folder / "photos").mkdir(parents=True)
    (folder / "lesson.json").write_text(json.dumps(dataset.as_json()))
    side = PACKAGED[dataset.hyperparameters.base].preprocessing.side
    for number, (name, label) in enumerate(zip(dataset.photos, dataset.labels, strict=True)):
        keep_small_copy(draw(label, number), side, folder / "photos" / f"{name}.jpg")
    vectors = np.random.default_rng(0).normal(
        size=(len(dataset.labels), PACKAGED[HYPERPARAMETERS.base].vector_size)
    )
    vectors += 2 * np.eye(vectors.shape[1])[list(dataset.labels)]
    save_start(folder, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), dataset)
    return folder


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def undisturbed(dataset, tmp_path):
    return train(dataset, folder_for(dataset, tmp_path / "undisturbed"), lambda news: None)


def test_training_changes_the_network_and_says_how_far_it_is(dataset, tmp_path):
    news = []
    model = train(dataset, folder_for(dataset, tmp_path / "a"), news.append)
    fresh = learned(train(dataset, folder_for(dataset, tmp_path / "b"), lambda news: None))
    assert same(learned(model), fresh)  # the same seed, the same network
    shares = [item["share"] for item in news]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [item["epoch"] for item in news if "accuracy" in item] == [2, 3, 3]
    assert len(model.history) == 3
    assert model.history[-1]["loss"] < model.history[0]["loss"]


def test_training_stopped_ten_times_ends_as_an_undisturbed_one(dataset, tmp_path, undisturbed):
    folder, rng, stops = folder_for(dataset, tmp_path / "stopped"), random.Random(3), 0
    while stops < 10:
        left = rng.randint(1, 4)

        def stop(news):
            nonlocal left
            left -= 1
            if left <= 0:
                raise Interrupted

        try:
            train(dataset, folder, stop)
            break  # it was through before it could be stopped again
        except Interrupted:
            stops += 1
    assert stops >= 3
    again = train(dataset, folder, lambda news: None)
    assert same(learned(again), learned(undisturbed))


def started(folder) -> subprocess.Popen:
    command = [sys.executable, "-m", "ml_training.recognizer.finetune", str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_process_killed_in_the_middle_goes_on_and_exports_what_it_learned(dataset, tmp_path):
    folder = folder_for(dataset, tmp_path / "killed")
    with started(folder) as process:
        for line in process.stdout:
            if "accuracy" in json.loads(line):
                os.kill(process.pid, signal.SIGKILL)
                break
    assert not (folder / "tuned.onnx").exists()
    with started(folder) as process:
        news = [json.loads(line) for line in process.stdout]
        assert process.wait() == 0
    assert news[0]["share"] > 0.3  # it went on
    assert len(json.loads((folder / "history.json").read_text())) == HYPERPARAMETERS.epochs
    session = onnxruntime.InferenceSession(folder / "tuned.onnx")
    shape = (2, *PACKAGED[HYPERPARAMETERS.base].preprocessing.shape)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    (tuned,) = session.run(["vectors"], {"pixels": pixels})
    with torch.inference_mode():
        packaged = load_encoder(PACKAGED[HYPERPARAMETERS.base])(torch.from_numpy(pixels)).numpy()
    assert np.abs(tuned - packaged).max() > 1e-4  # it is another network
    np.testing.assert_allclose(np.linalg.norm(tuned, axis=1), 1, atol=1e-4)


def test_process_ends_when_nobody_listens_any_more(dataset, tmp_path):
    with started(folder_for(dataset, tmp_path / "left")) as process:
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(10) == 3
