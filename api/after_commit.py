"""What is done once a transaction has committed: if that fails, the log tells it, and nobody else."""

import logging
from collections.abc import Callable

from django.db import transaction

logger = logging.getLogger(__name__)


def after_commit(function: Callable[..., object], *args: object) -> None:
    """Call a function once the transaction has committed, or at once where there is none.

    Django's own `robust=True` does not survive the failure of a `partial`: it asks it for its name.

    Raises:
        Nothing that the function raises: the caller's work is done by then, and others' calls come after.
    """

    def call() -> None:
        try:
            function(*args)
        except Exception:
            logger.exception("What was to be done after a save failed; the save itself holds.")

    transaction.on_commit(call)
