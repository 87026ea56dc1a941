"""A trainer keeps what a backbone said of a photo in one file, and trusts no file of another length."""

import numpy as np
import pytest

from ml_training.recognizer.embedder import Embedded
from ml_training.trainer.vectors import FolderOfVectors

SIZE = 4
NAME, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def folder(tmp_path) -> FolderOfVectors:
    return FolderOfVectors(tmp_path, "ef" * 32, SIZE)


def test_vector_and_looks_are_read_back(folder):
    vector, looks = np.arange(4, dtype=np.float32), np.arange(12, dtype=np.float32).reshape(3, 4)
    folder.keep({NAME: Embedded(vector, looks), OTHER: Embedded(vector)})
    np.testing.assert_array_equal(folder.get([NAME])[NAME], vector)
    assert {*folder.get([NAME, OTHER, "00" * 32])} == {NAME, OTHER}
    assert [*folder.looks([NAME, OTHER])] == [NAME]
    np.testing.assert_array_equal(folder.looks([NAME])[NAME], looks)


@pytest.mark.parametrize("length", [0, 3, 15, 17, 23])
def test_file_that_is_no_whole_answer_is_none(folder, tmp_path, length):
    folder.keep({NAME: Embedded(np.ones(SIZE, np.float32), np.ones((1, SIZE), np.float32))})
    (path,) = tmp_path.glob("*/ab/*")
    path.write_bytes(path.read_bytes()[:length])
    assert folder.get([NAME]) == folder.looks([NAME]) == {}
