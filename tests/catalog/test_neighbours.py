"""The catalogue and the API name none of the apps above them, in no kind of file.

What Python imports is held by import-linter; this is about strings, templates, scripts and migrations.
"""

import re

import pytest
from django.conf import settings

ABOVE = re.compile(r"\b(ml_training|ml_advice|ml_model|notifications)\b")
TEXT = {".py", ".html", ".js", ".css"}


@pytest.mark.parametrize("folder", ["api", "catalog", "templates/admin/catalog", "templates/api"])
def test_no_app_above_is_named(folder):
    files = [path for path in (settings.BASE_DIR / folder).rglob("*") if path.suffix in TEXT]
    assert files
    naming = {str(path): found for path in files if (found := ABOVE.findall(path.read_text("utf-8")))}
    assert naming == {}
