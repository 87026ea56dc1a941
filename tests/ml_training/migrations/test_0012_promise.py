"""What a shop had chosen becomes the promise that is about as bold, there and back."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

CATALOG = ("catalog", "0006_no_training_settings")
BEFORE, AFTER = [CATALOG, ("ml_training", "0011_shop_settings")], [CATALOG, ("ml_training", "0012_promise")]


@pytest.mark.django_db(transaction=True)
def test_choice_is_taken_over_and_given_back():
    def migrate(targets):
        MigrationExecutor(connection).migrate(targets)
        return MigrationExecutor(connection).loader.project_state(targets).apps

    apps = migrate(BEFORE)
    shops, training = apps.get_model("catalog", "Shop").objects, apps.get_model("ml_training", "ShopTraining")
    for share in ("0.005", "0.02", "0.2"):
        shop = shops.create(name=share, slug=share.replace(".", "-"))
        training.objects.create(shop_id=shop.pk, unknowns_named_choice=share, wanted=3)
    after = migrate(AFTER).get_model("ml_training", "ShopTraining").objects.order_by("pk")
    assert [*after.values_list("names_wrong_choice", "foreign_shown_choice", "wanted")] == [
        ("0.01", "0.05", 3),
        ("0.02", "0.05", 3),
        ("0.05", "0.05", 3),
    ]
    before = migrate(BEFORE).get_model("ml_training", "ShopTraining").objects.order_by("pk")
    assert [*before.values_list("unknowns_named_choice", flat=True)] == ["0.01", "0.02", "0.05"]
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
