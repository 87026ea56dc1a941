"""Finds files of photos that no row names any more, such as those of a save that a crash broke off.

Only files that are named as this project names them are looked at: what else lies in the folder stays.
"""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.core.files.storage import Storage, default_storage
from django.utils import timezone

from catalog.models import ProductImage

logger = logging.getLogger(__name__)
OLD = timedelta(days=1)  # nothing younger is removed by itself: it may be about to get its row
FEW = 20  # files that may all be orphans; of more, half of them are a sign of something else
CHUNK = 500  # names in one query
_OURS = re.compile(r"(?:[a-z]+/)?\d+/[0-9a-f]{32}(?:_\w+)?\.\w{1,5}")
InUse = Callable[[list[str]], set[str]]  # of these names, those that a row has
_owners: list[InUse] = []


def register_owner(in_use: InUse) -> None:
    """Let an app say which files of the photo storage its rows name."""
    _owners.append(in_use)


def photos_in_use(names: list[str]) -> set[str]:
    """Of these names, those of photos on products."""
    return set(ProductImage.objects.filter(image__in=names).values_list("image", flat=True))


def remove_orphans(now: bool = False) -> int:
    """Remove files that no row names: older ones, or all of them now.

    Where most files seem to be orphans, another database is likely to own them: then none goes by itself.

    Args:
        now: somebody asks for it, and knows that nothing is being added.
    Returns:
        How many were removed.
    Repeatable:   yes.
    """
    names = [name for name in walk(default_storage) if _OURS.fullmatch(name)]
    orphans = [
        name for start in range(0, len(names), CHUNK) for name in unnamed(names[start : start + CHUNK])
    ]
    if not now and len(names) > FEW and len(orphans) > len(names) / 2:
        logger.warning(
            "%s of %s photo files belong to no photo in this database. None was removed: check DATABASE_URL "
            "and DATA_DIR. If it is right, remove them with: manage.py reconcile --now",
            len(orphans),
            len(names),
        )
        return 0
    return sum(_remove(default_storage, name) for name in orphans if now or is_old(default_storage, name))


def walk(storage: Storage, folder: str = "") -> Iterator[str]:
    """The names of all files in a storage's folder and below; none where there is no such folder."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" if folder else name for name in files)
    for name in folders:
        yield from walk(storage, f"{folder}/{name}" if folder else name)


def is_old(storage: Storage, name: str) -> bool:
    """Whether a file was written more than a day ago."""
    try:
        return storage.get_modified_time(name) < timezone.now() - OLD
    except OSError:  # it has gone meanwhile
        return False


def unnamed(names: list[str]) -> list[str]:
    """Of these names, those that no row has."""
    used = set().union(*(in_use(names) for in_use in _owners))
    return [name for name in names if name not in used]


def _remove(storage: Storage, name: str) -> bool:
    try:
        storage.delete(name)
    except OSError:
        logger.exception("%s belongs to nothing and could not be removed.", name)
        return False
    logger.info("%s belonged to nothing and was removed.", name)
    return True
