"""The heavy parts are opened once, in the process that computes, and nowhere else."""

import subprocess
import sys

import pytest

from ml_training.backbones.loader import BackboneMissing, chosen_backbone, open_embedder, open_embedder_of
from ml_training.recognizer.backbone import PACKAGED
from ml_training.runs.warmup import warm_up


def test_backbone_is_opened_once():
    assert open_embedder() is open_embedder()


def test_backbone_of_a_model_is_found_by_its_id(settings):
    assert open_embedder_of(chosen_backbone()) is open_embedder()
    assert open_embedder().backbone.id == chosen_backbone()
    settings.BACKBONE = "efficientnet-lite2"
    assert chosen_backbone() == PACKAGED["efficientnet-lite2"].id


@pytest.mark.django_db
def test_backbone_that_is_gone_is_named():
    with pytest.raises(BackboneMissing, match="efficientnet-lite9-999-v1"):
        open_embedder_of("efficientnet-lite9-999-v1")


def test_worker_warms_up_when_it_starts():
    opened = open_embedder()
    warm_up()
    assert open_embedder() is opened


def test_worker_that_cannot_warm_up_starts_all_the_same(settings, caplog):
    settings.BACKBONE = "no such backbone"
    warm_up()
    assert "could not warm up" in caplog.text


def test_no_process_loads_torch_or_onnxruntime_before_it_computes(settings):
    """Workers fork: what a parent used hangs its child. And a web server need not wait for it, or hold it."""
    code = (
        "import sys, django; django.setup();"
        "import config.urls, config.asgi, ml_training.tasks;"
        "import ml_training.runs.reconcile, ml_training.recognition.recognize;"
        "print(*{'torch', 'onnxruntime', 'django', 'ml_training.signal_handlers'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"django", "ml_training.signal_handlers"}
