"""A little of the disk is kept, and given up on the day when nothing fits any more."""

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.test import Client, override_settings
from django.urls import path

from config import reserve
from config.bad_weather import explain
from config.reserve import RESERVE, give_up_reserve, keep_reserve
from ml_training.runs.reconcile import reconcile


@pytest.fixture
def kept(settings) -> Path:
    Path(settings.DATA_DIR).mkdir(exist_ok=True)
    return Path(settings.DATA_DIR) / "reserve"


def leave(monkeypatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))


def full(request):
    raise OSError(errno.ENOSPC, "No space left on device")


handler500 = "config.bad_weather.say_what_failed"
urlpatterns = [path("full", full)]


def test_room_is_kept_once_given_up_once_and_kept_again(kept):
    assert keep_reserve()
    assert kept.stat().st_blocks * 512 >= RESERVE
    assert keep_reserve()
    assert give_up_reserve()
    assert not kept.exists()
    assert not give_up_reserve()


def test_little_room_is_left_to_others(kept, monkeypatch):
    leave(monkeypatch, reserve.ENOUGH - 1)
    assert not keep_reserve()
    assert not kept.exists()


@pytest.mark.django_db
def test_the_worker_keeps_it_and_a_full_disk_gives_it_up(kept):
    reconcile()
    assert kept.exists()
    with override_settings(ROOT_URLCONF=__name__):
        page = Client(raise_request_exception=False).get("/full")
    assert page.status_code == 503
    assert "delete photos" in page.text
    assert not kept.exists()


@pytest.mark.parametrize(("free", "says"), [(0, "The disk of the server is full"), (10**9, "")])
def test_an_error_of_the_disk_is_a_full_disk_where_nothing_is_free(monkeypatch, free, says):
    leave(monkeypatch, free)
    assert explain(OperationalError("disk I/O error")).startswith(says)
    assert bool(explain(OperationalError("unable to open database file"))) == bool(says)


def test_files_leave_the_last_of_the_disk_to_the_database(monkeypatch):
    leave(monkeypatch, 10_000_000)
    with pytest.raises(OSError, match="No space left on device"):
        default_storage.save("1/a.jpg", ContentFile(b"photo"))
    assert not default_storage.exists("1/a.jpg")
    leave(monkeypatch, 100_000_000)
    assert default_storage.save("1/a.jpg", ContentFile(b"photo")) == "1/a.jpg"
