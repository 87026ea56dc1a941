"""Runs a management command in this process, as the command line does."""

import pytest
from django.core.management import load_command_class


@pytest.fixture
def manage(capfd):
    """Call a command as `manage.py` does; returns its exit code and all that any library wrote."""

    def call(name: str, *args) -> tuple[int, str, str]:
        capfd.readouterr()
        code = 0
        try:
            load_command_class("ml_training", name).run_from_argv(["manage.py", name, *map(str, args)])
        except SystemExit as ended:
            code = ended.code
        return code, *capfd.readouterr()

    return call
