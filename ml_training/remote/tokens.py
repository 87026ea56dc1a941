"""Tokens that open one run to the external trainer that has it, and nothing else.

A token is made when the run is handed over, shown to the trainer once, kept as a hash, and dies with the run.
"""

import hashlib
import logging
import secrets
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from ml_training.models import RunToken, TrainingRun

MIN_TOKEN_LENGTH = 16  # characters of ML_TRAINER_TOKEN

logger = logging.getLogger(__name__)
PREFIX = "shr_"
# Why a trainer's call is refused; the names are part of its protocol.
TOKEN_UNKNOWN = "TOKEN_UNKNOWN"  # noqa: S105 (a code, no secret)
TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105
WRONG_RUN = "WRONG_RUN"
RUN_FINISHED = "RUN_FINISHED"
BAD_INPUT = "BAD_INPUT"
HTTP_STATUS = {TOKEN_UNKNOWN: 401, TOKEN_EXPIRED: 401, WRONG_RUN: 403, RUN_FINISHED: 410, BAD_INPUT: 400}


class CallbackRefused(Exception):
    """Raised when a trainer's call is not taken; `code` is for programs, the text for people."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code

    @property
    def status(self) -> int:
        return HTTP_STATUS.get(self.code, 400)


def issue(run: TrainingRun) -> RunToken:
    """Make the token of a run. Its `value` is known on the returned object and nowhere else.

    Effects:      a RunToken row.
    Repeatable:   a run that is handed over again gets another token, and the one before is worth nothing.
    """
    value = PREFIX + secrets.token_urlsafe(32)
    expires_at = timezone.now() + timedelta(minutes=settings.ML_TRAINER_RUN_MINUTES)
    token, _ = RunToken.objects.update_or_create(
        run=run, defaults={"sha256": _digest(value), "expires_at": expires_at}
    )
    token.value = value
    return token


def run_of(value: str, run_id: int | None = None) -> TrainingRun:
    """The run that a token opens.

    Args:
        value: the token as it was sent.
        run_id: the run that the caller speaks of, if it says.
    Raises:
        CallbackRefused: the token is unknown, expired, another run's, or its run is not in training any more.
    """
    token = RunToken.objects.select_related("run").filter(sha256=_digest(value)).first()
    if token is None:
        raise _refused(TOKEN_UNKNOWN, run_id, "This token opens no run.")
    if run_id is not None and run_id != token.run_id:
        raise _refused(WRONG_RUN, run_id, f"This token is that of another run ({token.run_id}).")
    if token.run.status != TrainingRun.Status.TRAINING or not token.run.trainer:
        status = token.run.get_status_display().lower()
        raise _refused(
            RUN_FINISHED,
            token.run_id,
            f"Run {token.run_id} is {status}; nothing more is taken.",
        )
    if token.expires_at <= timezone.now():
        raise _refused(TOKEN_EXPIRED, token.run_id, f"The token of run {token.run_id} has expired.")
    return token.run


def _refused(code: str, run_id: int | None, text: str) -> CallbackRefused:
    logger.warning("A trainer's call for run %s was refused (%s): %s", run_id or "?", code, text)
    return CallbackRefused(code, text)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def is_sound_token(token: str) -> bool:
    """Whether a secret can be sent in a header and is not easily guessed."""
    return len(token) >= MIN_TOKEN_LENGTH and token.isascii() and token.isprintable() and " " not in token
