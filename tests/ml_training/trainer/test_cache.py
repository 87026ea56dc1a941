"""A trainer keeps the newest few of what it fetched and computed, in memory and on disk."""

import hashlib
import os
import time

import numpy as np
import pytest
from onnx import TensorProto, helper

from ml_training.recognizer.embedder import Embedded
from ml_training.recognizer.preprocess import Preprocessing
from ml_training.trainer import cache
from ml_training.trainer.cache import BackboneCache
from ml_training.trainer.jobs import Job

PIXELS = Preprocessing(32).shape
SIZE = int(np.prod(PIXELS))
NOTHING = Embedded(np.zeros(SIZE, np.float32))


def backbone_file(number: int) -> bytes:
    """A backbone whose vectors are the pixels; each number makes another file."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["numbers"], ["vectors"]),
        ],
        f"backbone-{number}",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["photos", *PIXELS])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["photos", SIZE])],
    )
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString()


def job_for(content: bytes) -> Job:
    sha256 = hashlib.sha256(content).hexdigest()
    url, preprocessing = "http://shop.example", Preprocessing(32)
    return Job(1, 1, False, "shr_x", url, url, url, sha256[:8], sha256, url, SIZE, preprocessing)


class Project:
    """Counts what is fetched."""

    def __init__(self, kept: BackboneCache):
        self.cache, self.fetched = kept, []

    def use(self, number: int):
        content = backbone_file(number)

        def fetch() -> bytes:
            self.fetched.append(number)
            return content

        return self.cache.use(job_for(content), fetch)

    def train(self, number: int) -> None:
        with self.use(number) as (embedder, vectors):
            vectors.keep({"ab" * 32: NOTHING})
            assert embedder.embed(np.zeros((1, *PIXELS), np.uint8)).shape == (1, SIZE)


@pytest.fixture
def project(tmp_path):
    return Project(BackboneCache(tmp_path, 1))


def kept_on_disk(folder) -> list[str]:
    return sorted(path.stem[:16] for path in (folder / "backbones").iterdir())


def short_names(*numbers: int) -> list[str]:
    return sorted(job_for(backbone_file(number)).backbone_sha256[:16] for number in numbers)


def test_backbone_is_fetched_once_and_its_vectors_are_there_the_next_time(project):
    project.train(1)
    with project.use(1) as (_, vectors):
        assert [*vectors.get(["ab" * 32, "cd" * 32])] == ["ab" * 32]
    assert project.fetched == [1]


def test_at_most_four_backbones_stay_open(project):
    for number in range(6):
        project.train(number)
    assert cache.MAX_OPEN == 4
    assert len(project.cache._open) == 4


def test_the_last_used_backbones_stay_on_disk_with_their_vectors(project, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MAX_BACKBONES", 2)
    for number in (1, 2, 1, 3):
        project.train(number)
        time.sleep(0.02)
    assert kept_on_disk(tmp_path) == short_names(1, 3)
    assert sorted(path.name for path in (tmp_path / "vectors").iterdir()) == short_names(1, 3)


def test_backbone_that_another_job_is_using_stays(project, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MAX_BACKBONES", 1)
    with project.use(1) as (_, vectors):
        time.sleep(0.02)
        project.train(2)
        assert kept_on_disk(tmp_path) == short_names(1, 2)
        vectors.keep({"ab" * 32: NOTHING})
        time.sleep(0.02)
        project.train(3)
        assert [*vectors.get(["ab" * 32])] == ["ab" * 32]
    assert kept_on_disk(tmp_path) == short_names(3)


def test_backbone_whose_file_was_deleted_serves_on_and_is_fetched_when_it_is_opened_anew(project, tmp_path):
    project.train(1)
    for path in (tmp_path / "backbones").iterdir():
        path.unlink()
    project.train(1)
    assert project.fetched == [1]
    project.cache = BackboneCache(tmp_path, 1)
    project.train(1)
    assert project.fetched == [1, 1]


def test_of_more_vectors_than_the_limit_the_newest_stay(project, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MAX_VECTORS", 2)
    names = [letter * 64 for letter in "abc"]
    with project.use(1) as (_, vectors):
        vectors.keep(dict.fromkeys(names, NOTHING))
        for age, name in zip((10, 30, 20), names, strict=True):
            path = tmp_path / "vectors" / short_names(1)[0] / name[:2] / name
            os.utime(path, (time.time() - age,) * 2)
    with project.use(1) as (_, vectors):
        assert [*vectors.get(names)] == ["a" * 64, "c" * 64]


def test_file_that_was_never_finished_goes_after_a_day(project, tmp_path):
    project.train(1)
    old, new = (tmp_path / "backbones" / name for name in ("old.part", "new.part"))
    for path, age in ((old, 25 * 3600), (new, 3600)):
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    project.train(1)
    assert new.exists()
    assert not old.exists()


def test_file_that_is_no_backbone_of_that_hash_is_fetched_again(project, tmp_path):
    content = backbone_file(1)
    job = job_for(content)
    path = tmp_path / "backbones" / f"{job.backbone_sha256}.onnx"
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    project.train(1)
    assert path.read_bytes() == content
