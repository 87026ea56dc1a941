"""A little of the disk, kept for the day when it is full: with it something can be deleted from inside.

Deleting needs room first: the database writes down what it is about to do.
"""

import contextlib
import logging
import os
import shutil
import time
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)
MEGABYTE = 1024 * 1024
RESERVE = 32 * MEGABYTE
HALF_SECONDS = 600  # that writing it takes at most
ENOUGH = 10 * RESERVE  # free: so much must be there before some of it is kept


def keep_reserve() -> bool:
    """Keep a part of the disk, unless that is done or little is free.

    Returns:
        Whether it is there now.
    Effects:      a file in DATA_DIR.
    Repeatable:   yes.
    """
    path = _path()
    for left in path.parent.glob("reserve.*"):  # by a process that was killed while it wrote
        if left.stat().st_mtime < time.time() - HALF_SECONDS:
            left.unlink(missing_ok=True)
    if path.exists():
        return True
    half = path.with_suffix(f".{os.getpid()}")
    try:
        if shutil.disk_usage(path.parent).free < ENOUGH:
            return False
        with half.open("wb") as file:
            for _ in range(RESERVE // MEGABYTE):
                file.write(os.urandom(MEGABYTE))  # some file systems keep no room for zeros
        half.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink()
        logger.warning("No room could be kept for a full disk (%s).", error)
    return path.exists()


def give_up_reserve() -> bool:
    """Let others have what was kept. Returns whether there was any."""
    try:
        _path().unlink()
    except OSError:
        return False
    logger.warning("The disk is full. What was kept free for this is given up; delete something now.")
    return True


def is_full() -> bool:
    """Whether the disk has no room for anything."""
    return shutil.disk_usage(settings.DATA_DIR).free < MEGABYTE


def _path() -> Path:
    return Path(settings.DATA_DIR) / "reserve"
