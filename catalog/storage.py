"""Keeps files on a disk, and leaves no halves there."""

from contextlib import suppress
from pathlib import Path

from django.core.files.storage import FileSystemStorage


class WholeFilesStorage(FileSystemStorage):
    """Django's own, which removes what it could not write to the end, as on a full disk."""

    def _save(self, name, content):
        try:
            return super()._save(name, content)  # type: ignore[misc]  # the stubs know only what is public
        except OSError:
            with suppress(OSError):
                Path(self.path(name)).unlink()
            raise
