"""Charts are well-formed whatever things are called, and are left out where nothing is known."""

import xml.etree.ElementTree as ET

import pytest

from ml_training.advice.charts import (
    MAX_PRODUCTS,
    draw_mix_ups,
    draw_products,
    draw_reliability,
    draw_versions,
)
from ml_training.advice.confusion import Confusion

EVIL = '<b>&"</b>\x00\x0b\ud800' + "long name " * 20


def parsed(chart) -> ET.Element:
    root = ET.fromstring(chart.svg)  # noqa: S314 (it is our own)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert not any(element.get("style") for element in root.iter())
    assert chart.rows
    assert all(len(row) == len(chart.head) for row in chart.rows)
    return root


def shapes(root: ET.Element, kind: str) -> list[ET.Element]:
    return [element for element in root.iter() if kind in element.get("class", "").split()]


def metrics(accuracy: float) -> dict:
    return {"accuracy": accuracy, "accuracy_range": [accuracy - 0.05, accuracy + 0.05]}


def test_versions_are_dots_in_a_row_and_held_back_ones_are_rings():
    versions = [(1, metrics(0.7), False), (2, metrics(0.6), True), (3, metrics(0.8), False)]
    root = parsed(chart := draw_versions(versions, active=3))
    assert [len(shapes(root, kind)) for kind in ("chart-dot", "chart-held", "chart-active")] == [1, 1, 1]
    assert chart.rows[1] == ["2", "60 % (55 % to 65 %)", "kept, did not serve"]
    across = [float(shape.get("cx")) for shape in root.iter() if shape.get("cx")]
    assert across == sorted(across)


def test_version_that_was_activated_anyway_is_drawn_like_any_that_serves():
    versions = [(1, metrics(0.7), False), (2, metrics(0.6), True)]
    root = parsed(chart := draw_versions(versions, active=2))
    assert [len(shapes(root, kind)) for kind in ("chart-dot", "chart-held", "chart-active")] == [1, 0, 1]
    (line,) = shapes(root, "chart-line")
    assert line.get("points").count(",") == 2
    assert chart.rows[1][2] == "serves"


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"accuracy": "x", "accuracy_range": [1, 2]},
        {"accuracy": 3, "accuracy_range": [2, 4]},
        {"accuracy": 0.5},
    ],
)
def test_version_without_figures_is_left_out(broken):
    assert draw_versions([(1, broken, False)], 1) is None
    assert len(draw_versions([(1, broken, False), (2, metrics(0.5), False)], 1).rows) == 1


def confusion(products: int) -> Confusion:
    tried = dict.fromkeys(range(products), 10)
    right = {pk: 10 - pk % 9 for pk in tried}
    times = {(pk, (pk + 1) % products): pk % 9 for pk in tried if pk % 9}
    return Confusion(tried, right, times)


@pytest.mark.parametrize("products", [2, 20, 200])
def test_only_the_worst_products_are_drawn_and_the_others_counted(products):
    chart = draw_products(confusion(products), {pk: f"{EVIL}{pk}" for pk in range(products)})
    root = parsed(chart)
    assert len(shapes(root, "chart-bar")) == min(products, MAX_PRODUCTS)
    assert (f"{products - MAX_PRODUCTS} more products" in chart.note) == (products > MAX_PRODUCTS)
    widths = [float(bar.get("width")) for bar in shapes(root, "chart-bar")]
    assert widths == sorted(widths)


def test_matrix_holds_the_pairs_that_matter():
    chart = draw_mix_ups(confusion(200), {pk: f"{EVIL}{pk}" for pk in range(200)})
    root = parsed(chart)
    assert chart.rows[0][2] == "80 %"
    assert len(shapes(root, "chart-own")) <= 10
    assert len(chart.svg) < 60_000


def test_nothing_mixed_up_needs_no_matrix():
    assert draw_mix_ups(Confusion({1: 9}, {1: 9}), {1: "A"}) is None
    assert draw_products(Confusion(), {}) is None


def test_reliability_says_how_far_it_is_off():
    chart = draw_reliability([[0.45, 0.5, 10], [0.95, 0.9, 30], [0.0, 0.0, 0]])
    assert len(shapes(parsed(chart), "chart-dot")) == 2
    assert "off by 5.0 points on photos like those that were learned" in chart.note


@pytest.mark.parametrize("bins", [None, [], [[0.1, 0.2, 0]], [[1, 2]], "x", [["a", "b", "c"]]])
def test_reliability_that_was_not_measured_is_not_drawn(bins):
    assert draw_reliability(bins) is None
