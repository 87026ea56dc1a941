"""Keeps files on a disk, and leaves no halves there."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from django.core.files.storage import FileSystemStorage

FLOOR = 16 * 1024 * 1024  # bytes that files leave free


class WholeFilesStorage(FileSystemStorage):
    """Django's own, which removes what it could not write to the end, as on a full disk."""

    def _save(self, name, content):
        self._leave_room()
        try:
            return super()._save(name, content)  # type: ignore[misc]  # the stubs know only what is public
        except OSError:
            with suppress(OSError):
                Path(self.path(name)).unlink()
            raise

    def _leave_room(self) -> None:
        """Leave the last of the disk to the database: without it nothing can be deleted either.

        Raises:
            OSError: (ENOSPC) less than FLOOR is free.
        """
        folder = Path(self.location)
        while not folder.exists():
            folder = folder.parent
        if shutil.disk_usage(folder).free < FLOOR:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
