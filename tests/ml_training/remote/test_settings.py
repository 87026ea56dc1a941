"""Settings of the external trainer that do not fit are named at start."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import web_address
from ml_training.checks import check_trainer


@pytest.fixture
def sound(settings):
    settings.ML_TRAINER_URL, settings.ML_TRAINER_TOKEN = "https://gpu.example:8100", "x" * 32
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "https://shop.example", ["shop.example"]
    settings.SECURE_SSL_REDIRECT = True
    return settings


def found() -> list[str]:
    return [problem.id.removeprefix("ml_training.") for problem in check_trainer(None)]


def test_sound_settings_and_none_at_all(sound):
    assert found() == []
    sound.ML_TRAINER_URL = sound.PUBLIC_URL = sound.ML_TRAINER_TOKEN = ""
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "problems"),
    [
        ("PUBLIC_URL", "", ["E003"]),
        ("ML_TRAINER_TOKEN", "", ["E004"]),
        ("ML_TRAINER_TOKEN", "x" * 15, ["E004"]),
        ("ML_TRAINER_TOKEN", "é" * 20, ["E004"]),
        ("ML_TRAINER_TOKEN", "x" * 20 + "\n", ["E004"]),
        ("ALLOWED_HOSTS", ["other.example"], ["E005"]),
        ("PUBLIC_URL", "http://shop.example", ["E006", "W002"]),
        ("ML_TRAINER_URL", "http://gpu.example:8100", ["W002"]),
        ("ML_TRAINER_URL", "http://127.0.0.1:8100", []),
    ],
)
def test_what_does_not_fit_is_named(sound, name, value, problems):
    setattr(sound, name, value)
    assert found() == problems


@pytest.mark.parametrize("text", ["", "https://gpu.example", "http://10.0.0.5:8100/", "http://[::1]:8100"])
def test_addresses_that_are_taken(monkeypatch, text):
    monkeypatch.setenv("ML_TRAINER_URL", text)
    assert web_address("ML_TRAINER_URL") == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "gpu.example",
        "ftp://gpu.example",
        "http://",
        "http://user:secret@gpu",
        "http://gpu:port",
        "http://g?x=1",
    ],
)
def test_address_that_is_none_names_its_variable(monkeypatch, text):
    monkeypatch.setenv("ML_TRAINER_URL", text)
    with pytest.raises(ImproperlyConfigured, match="ML_TRAINER_URL"):
        web_address("ML_TRAINER_URL")
