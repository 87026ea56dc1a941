"""Gives memory of large pictures back to the system as soon as they are gone."""

import ctypes
import sys

M_MMAP_THRESHOLD = -3  # of mallopt(3)
LARGE = 1024 * 1024  # bytes


def give_back_large_blocks() -> None:
    """Let the C library ask the system for each large block, instead of keeping those of every thread.

    glibc raises this threshold when a large block is freed, and then keeps what each thread once had:
    a dozen threads that decoded one picture each held 600 MB. Elsewhere nothing is done.
    """
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, LARGE)
