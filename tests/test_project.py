"""Drift is a test: what the repository says of itself must be so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

PACKAGES = ["api", "catalog", "config", "ml_training", "notifications", "till"]


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of the project's own packages, in which a test may break a wall."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(settings.BASE_DIR / "pyproject.toml", copy)
    for package in PACKAGES:
        only_code = shutil.ignore_patterns("static", "__pycache__", "*.pyc")
        shutil.copytree(settings.BASE_DIR / package, copy / package, ignore=only_code)
    return copy


def lint_imports(folder: Path) -> tuple[int, str]:
    """Whether the contracts of pyproject.toml hold, and what is said of them."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_imports_run_one_way(house):
    code, said = lint_imports(house)
    assert code == 0, said


@pytest.mark.parametrize(
    ("module", "line", "imported"),
    [
        ("ml_training.recognizer.finetune.loop", "import django", "django"),
        ("ml_training.recognizer.head", "from catalog import models", "catalog"),
        ("catalog.moving", "from ml_training import models", "ml_training.models"),
        ("api.errors", "import catalog.models", "catalog.models"),
        ("ml_training.gate.judge", "from ml_training.runs import queue", "ml_training.runs"),
        ("ml_training.advice.shop", "from ml_training.gate import judge", "ml_training.gate"),
        ("ml_training.runs.queue", "from notifications import push", "notifications.push"),
        ("ml_training.status.shop", "from till import figures", "till.figures"),
        ("till.figures", "from notifications import push", "notifications.push"),
    ],
)
def test_import_through_a_wall_is_refused(house, module, line, imported):
    path = house / (module.replace(".", "/") + ".py")
    before = path.read_text()
    try:
        path.write_text(f"{before}\n\ndef planted():\n    {line}\n")
        code, said = lint_imports(house)
    finally:
        path.write_text(before)
    assert code == 1
    assert f"{module} -> {imported}" in said


@pytest.mark.django_db
def test_migrations_are_complete():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
