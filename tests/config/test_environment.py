"""What an installation keeps is closed to other accounts, also one that an earlier release left open."""

import os
import stat
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.demo import BASE_DIR
from config.environment import private_folder, secret_key, whole_number


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_closed(tmp_path):
    assert mode(private_folder(tmp_path / "new" / "data")) == 0o700


def test_a_folder_that_was_open_is_closed_and_keeps_its_files(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "shelfsight.sqlite3").write_text("rows")

    private_folder(tmp_path)

    assert mode(tmp_path) == 0o700
    assert (tmp_path / "shelfsight.sqlite3").read_text() == "rows"


@pytest.mark.parametrize("key", ["abcdefghijklmnopqrstuvwxyz01234", "ab" * 20])
def test_a_secret_that_can_be_guessed_is_refused_with_a_sentence(tmp_path, monkeypatch, key):
    monkeypatch.setenv("SECRET_KEY", key)

    with pytest.raises(
        ImproperlyConfigured, match=f"SECRET_KEY has {len(key)} characters, of .* it needs 32"
    ):
        secret_key(tmp_path)


def test_a_secret_of_one_s_own_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdef" * 2)

    assert secret_key(tmp_path) == "0123456789abcdef" * 2
    assert list(tmp_path.iterdir()) == []


def manage(data_dir, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    variables = {name: value for name, value in os.environ.items() if "DATABASE" not in name} | {
        "DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **environment,
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=BASE_DIR, env=variables, capture_output=True, text=True, check=False)


def test_all_that_a_process_makes_is_closed_to_others(tmp_path):
    data = tmp_path / "data"
    assert manage(data, "migrate", "--verbosity", "0").returncode == 0

    made = [data, *data.rglob("*")]

    assert data / "shelfsight.sqlite3" in made
    assert [path for path in made if mode(path) & 0o077] == []


def test_a_deployment_is_told_of_nothing_that_it_need_not_do(tmp_path):
    done = manage(
        tmp_path / "data",
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        SECRET_KEY="s" * 10 + "abcdefghijklmnopqrstuvwxyz0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ALLOWED_HOSTS="shop.example",
        HTTPS="1",
        REDIS_URL="redis://127.0.0.1:6379/0",
    )

    assert done.returncode == 0, done.stderr


def test_a_time_zone_that_does_not_exist_is_told_in_one_sentence(tmp_path):
    done = manage(tmp_path / "data", "check", TIME_ZONE="Oslo")

    assert done.returncode == 1
    (told,) = done.stderr.strip().splitlines()
    assert told.endswith("TIME_ZONE is 'Oslo'; it must be a time zone such as Europe/Oslo.")


@pytest.mark.parametrize("text", ["", "-1", "²", "1.5", "0", "101", "9" * 5000])
def test_a_number_that_is_none_or_out_of_range_is_refused_with_a_sentence(monkeypatch, text):
    monkeypatch.setenv("SOME", text)

    with pytest.raises(ImproperlyConfigured, match="it must be a whole number from 1 to 100"):
        whole_number("SOME", 5, least=1, most=100)
