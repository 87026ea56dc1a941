"""Files that others see whole or not at all. Here, since the recognizer may import nothing of the project."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
READABLE = 0o644  # by a web server under another user too
PART = ".part"  # how files end that are not whole yet


@contextmanager
def atomic_file(path: Path, mode: int = PRIVATE) -> Iterator[Path]:
    """Give a path to write to, in the same folder, that takes the place of `path` when the block ends.

    Effects:      the folder of `path`, if it is not there yet.
    Repeatable:   yes; of two writers at once the later one stays. If the block raises, `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=PART)
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
        part.chmod(mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file's content; see `atomic_file`."""
    with atomic_file(path, mode) as part:
        part.write_bytes(content)
