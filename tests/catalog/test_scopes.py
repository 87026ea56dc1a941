"""Scopes of tokens: each app adds its own, and what it opens with those of others."""

import pytest
from django.apps import apps
from django.core.exceptions import AppRegistryNotReady

from catalog import scopes
from catalog.permissions import VIEW_PHOTOS, VIEW_PRODUCTS
from catalog.scopes import READ, READS_CATALOGUE, all_scopes, reading_scopes, register_scope


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    monkeypatch.setattr(scopes, "_scopes", {})


def test_another_app_renames_a_scope_and_adds_to_what_it_takes():
    register_scope(READ, "Read", READS_CATALOGUE)
    register_scope("count", "Count", {VIEW_PRODUCTS})
    register_scope(READ, "Read and more", {"till.view_sale"})
    assert list(all_scopes()) == [READ, "count"]
    assert all_scopes()[READ].label == "Read and more"
    assert all_scopes()[READ].permissions == {VIEW_PRODUCTS, VIEW_PHOTOS, "till.view_sale"}


def test_whoever_gives_a_scope_that_needs_all_of_the_catalogue_lets_read_it():
    register_scope(READ, "Read", READS_CATALOGUE)
    register_scope("count", "Count", {VIEW_PRODUCTS})
    register_scope("teach", "Teach", {*READS_CATALOGUE, "school.teach"})
    assert reading_scopes() == (READ, "teach")


def test_nobody_relies_on_scopes_before_every_app_has_registered_its_own(monkeypatch):
    monkeypatch.setattr(apps, "ready", False)
    with pytest.raises(AppRegistryNotReady):
        reading_scopes()
