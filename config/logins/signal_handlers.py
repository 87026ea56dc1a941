"""Listens to Django's logins, and to training's closing of gaps, which comes by every few seconds."""

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from config.logins import journal
from config.logins.throttle import drop_old
from ml_training.events import reconciled


def connect() -> None:
    user_logged_in.connect(journal.note_login, dispatch_uid="logins.note_login")
    user_logged_out.connect(journal.note_logout, dispatch_uid="logins.note_logout")
    user_login_failed.connect(journal.note_failure, dispatch_uid="logins.note_failure")
    reconciled.connect(drop_old_now_and_then, dispatch_uid="logins.drop_old")


def drop_old_now_and_then(**kwargs):
    drop_old()
