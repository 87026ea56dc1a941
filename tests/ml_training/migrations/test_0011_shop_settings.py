"""Two settings move from shops to their training: with their values, there and back."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE = [("catalog", "0005_deep_hours"), ("ml_training", "0010_words")]
MOVED = ("ml_training", "0011_shop_settings")
AFTER = [("catalog", "0006_no_training_settings"), MOVED]
SETTINGS = ("unknowns_named_choice", "deep_hours")


@pytest.fixture
def migrate(transactional_db):
    """Migrates to some migrations and gives the models as they are there; in the end all are applied."""

    def to(targets):
        executor = MigrationExecutor(connection)
        executor.migrate(targets)
        return MigrationExecutor(connection).loader.project_state(targets).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def settings_of(model) -> dict[int, tuple[str, str]]:
    return {pk: values for pk, *values in model.objects.order_by("pk").values_list("pk", *SETTINGS)}


def test_values_are_kept_there_and_back(migrate):
    apps = migrate(BEFORE)
    Shop, ShopTraining = apps.get_model("catalog", "Shop"), apps.get_model("ml_training", "ShopTraining")
    plain = Shop.objects.create(name="Plain", slug="plain")
    careful = Shop.objects.create(name="Careful", slug="careful", unknowns_named_choice="0.005")
    nightly = Shop.objects.create(name="Nightly", slug="nightly", deep_hours="20-6")
    ShopTraining.objects.create(shop=nightly, wanted=7, trained=5, sequence=9)

    apps = migrate(AFTER)
    ShopTraining = apps.get_model("ml_training", "ShopTraining")
    assert settings_of(ShopTraining) == {careful.pk: ["0.005", ""], nightly.pk: ["0.02", "20-6"]}
    row = ShopTraining.objects.get(pk=nightly.pk)
    assert (row.wanted, row.trained, row.sequence) == (7, 5, 9)
    assert not {field.name for field in apps.get_model("catalog", "Shop")._meta.get_fields()} & {*SETTINGS}
    ShopTraining.objects.filter(pk=careful.pk).update(deep_hours="1-2")
    ShopTraining.objects.create(shop_id=plain.pk, unknowns_named_choice="0.2")

    apps = migrate(BEFORE)
    kept = settings_of(apps.get_model("catalog", "Shop"))
    assert {pk: kept[pk] for pk in (plain.pk, careful.pk, nightly.pk)} == {
        plain.pk: ["0.2", ""],
        careful.pk: ["0.005", "1-2"],
        nightly.pk: ["0.02", "20-6"],
    }
    assert apps.get_model("ml_training", "ShopTraining").objects.get(pk=nightly.pk).wanted == 7

    apps = migrate(AFTER)
    assert settings_of(apps.get_model("ml_training", "ShopTraining")) == {
        plain.pk: ["0.2", ""],
        careful.pk: ["0.005", "1-2"],
        nightly.pk: ["0.02", "20-6"],
    }


def test_catalogue_lets_go_of_them_only_after_they_are_taken_over(migrate):
    plan = MigrationExecutor(connection).loader.graph.forwards_plan(AFTER[0])
    assert MOVED in plan
