"""Drift is a test: what the repository says of itself must be so."""

import ast
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "catalog": {"catalog"},
    "ml_training": {"catalog", "ml_training"},
    "notifications": {"catalog", "ml_training", "notifications"},
}
OURS = {"catalog", "ml_training", "notifications", "config", "tests"}


def imported(path: Path) -> set[str]:
    """All modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_imports_run_one_way(app):
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / app).rglob("*.py")
        for name in imported(path)
        if name.partition(".")[0] in OURS - MAY_IMPORT[app]
    ]
    assert not wrong


def test_recognizer_imports_no_django_and_no_other_app():
    wrong = [
        f"{path.name} imports {name}"
        for path in (ROOT / "ml_training" / "recognizer").glob("*.py")
        for name in imported(path)
        if name.partition(".")[0] in {"django", *OURS} and not name.startswith("ml_training.recognizer")
    ]
    assert not wrong


@pytest.mark.django_db
def test_migrations_are_complete():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
