"""Files are there whole or not at all."""

import stat

import pytest

from ml_training.recognizer.files import READABLE, atomic_file, write_atomically


def test_file_is_written_into_a_folder_that_is_made_for_it(tmp_path):
    path = tmp_path / "new" / "file"
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"
    assert [*path.parent.iterdir()] == [path]


def test_until_the_block_ends_the_file_is_as_it_was(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    with atomic_file(path) as part:
        part.write_text("half")
        assert path.read_text() == "before"
    assert path.read_text() == "half"


def test_block_that_raises_changes_nothing_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")

    def write_half():
        with atomic_file(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(("given", "mode"), [({}, 0o600), ({"mode": READABLE}, 0o644)])
def test_file_is_private_unless_another_user_shall_read_it(tmp_path, given, mode):
    write_atomically(tmp_path / "file", b"", **given)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
