"""Whatever stands in a version's figures, its shop's page, charts and API answer: an odd one is not known."""

import json

import pytest

from ml_training.models import ModelVersion
from tests.factories import judge, shelf
from tests.support.api import ask, data

HUGE = 10**400
ODD = [
    HUGE,
    -1,
    7,
    "x",
    True,
    None,
    [],
    {},
    [HUGE, HUGE, HUGE],
    {"0": HUGE, "0.02,0.05": HUGE},
    [[0, 1, HUGE]],
]
NAMES = ["accuracy", "accuracy_range", "among_three", "coverage", "products_judged", "accuracy_by_product"]
NAMES += ["mix_ups", "reliability", "error", "products_few", "output_difference"]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: json.dumps(odd)[:20])
def test_the_page_and_the_api_answer(staff_client, shop, odd):
    judge(shop, {}, **dict.fromkeys(NAMES, odd))
    with_metrics = ModelVersion.objects.get()
    with_metrics.metrics = dict.fromkeys(NAMES, odd)
    with_metrics.save(update_fields=["metrics"])
    shelf(shop, ["1.00", "2.00"])

    page = staff_client.get(f"/admin/settings/ml-model/?shop={shop.slug}")

    assert page.status_code == 200
    assert "too early to tell" in page.text


@pytest.mark.parametrize("name", NAMES)
def test_one_odd_figure_leaves_the_others(staff_client, shop, name):
    judge(shop, {}, **{"accuracy": 0.8, "accuracy_range": [0.7, 0.9], name: HUGE})

    assert staff_client.get(f"/admin/settings/ml-model/?shop={shop.slug}").status_code == 200
    assert "errors" not in ask("{ mlTrainingInfo { status version } }", client=staff_client)


def test_versions_with_odd_figures_are_listed(staff_client, shop):
    judge(shop, {}, accuracy=HUGE)
    query = "{ modelVersions { edges { node { number accuracy } } } }"

    found = data(ask(query, client=staff_client))["modelVersions"]["edges"]

    assert found == [{"node": {"number": 1, "accuracy": None}}]
