"""A misconfiguration is named at start, with what to do."""

import pytest
from django.core.checks import run_checks


def found(**kwargs) -> dict[str, str]:
    """The hints of our own findings, by id."""
    return {item.id: item.hint for item in run_checks(**kwargs) if item.id.startswith("ml_training.")}


def test_settings_as_they_come_have_no_finding():
    assert found() == {}


@pytest.mark.parametrize(("timeout", "retry", "is_wrong"), [(60, 60, True), (60, 59, True), (60, 61, False)])
def test_queue_that_would_start_a_long_run_twice_is_an_error(settings, timeout, retry, is_wrong):
    settings.Q_CLUSTER = settings.Q_CLUSTER | {"timeout": timeout, "retry": retry}
    assert ("ml_training.E001" in found()) == is_wrong


@pytest.mark.parametrize(("limit", "is_wrong"), [(9, True), (10, False)])
def test_heartbeat_limit_that_one_late_beat_would_pass_is_an_error(settings, limit, is_wrong):
    settings.HEARTBEAT_SECONDS, settings.HEARTBEAT_LIMIT_SECONDS = 5, limit
    assert ("ml_training.E002" in found()) == is_wrong


def test_missing_channel_server_is_a_warning_for_deployments_only(settings):
    settings.REDIS_URL = ""
    assert "REDIS_URL" in found(include_deployment_checks=True)["ml_training.W001"]
    assert found() == {}
    settings.REDIS_URL = "redis://example.org/0"
    assert "ml_training.W001" not in found(include_deployment_checks=True)


def test_every_finding_says_what_to_do(settings):
    settings.Q_CLUSTER = {"timeout": 2, "retry": 1}
    settings.HEARTBEAT_LIMIT_SECONDS, settings.REDIS_URL = 1, ""
    hints = found(include_deployment_checks=True)
    assert {"ml_training.E001", "ml_training.E002", "ml_training.W001"} <= set(hints)
    assert all(hints.values())
