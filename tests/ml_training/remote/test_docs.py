"""docs/external-trainer.md says what the code does."""

import re

import pytest

from config.demo import BASE_DIR
from ml_training.backbones.loader import open_embedder
from ml_training.models import RunToken, TrainingRun
from ml_training.remote import tokens as run_tokens
from ml_training.remote.callbacks import KINDS, PHASES
from ml_training.remote.handover import describe_job

TEXT = (BASE_DIR / "docs" / "external-trainer.md").read_text()


def test_every_field_of_a_job_is_documented(settings):
    settings.PUBLIC_URL = "https://shop.example"
    token = RunToken()
    token.value, token.expires_at = "shr_x", run_tokens.timezone.now()
    job = describe_job(TrainingRun(pk=12, shop_id=1), open_embedder().backbone, token)
    for name in [*job, *job["backbone"]]:
        assert f'"{name}"' in TEXT, name
    for address in (job["manifest_url"], job["webhook_url"], job["completion_url"], job["backbone"]["url"]):
        assert address in TEXT


@pytest.mark.parametrize("name", ["verify", "tokens", "views", "callbacks"])
def test_every_code_is_documented(name):
    source = (BASE_DIR / "ml_training" / "remote" / f"{name}.py").read_text()
    codes = set(re.findall(r'"([A-Z]{2,}_[A-Z_]+)"', source))
    assert codes or name == "callbacks"
    assert not [code for code in codes if f"`{code}`" not in TEXT]


def test_kinds_and_phases_are_documented():
    for word in [*KINDS, *PHASES]:
        assert f"`{word}`" in TEXT
