"""How good a shop's recogniser is, as pictures: by version, by product, what is mixed up, how truthful it is.

Each chart comes with the same figures as a table, for whoever cannot see it.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.safestring import SafeString

from catalog.formatting import percent, percent_number
from catalog.models import Product, Shop
from ml_training.advice.analysis import analyze_shop
from ml_training.advice.confusion import Confusion
from ml_training.advice.svg import CELL, LABEL, RIGHT, ROW, TOP, WIDTH, Drawing
from ml_training.models import ModelVersion, ShopTraining

MAX_VERSIONS = 30  # dots of the chart over time: the newest
MAX_PRODUCTS = 20  # bars of the chart by product: the worst
MAX_MATRIX_PRODUCTS = 10  # rows of the matrix of mix-ups
MIN_SHARE = 0.05  # of a product's photos: rarer mix-ups are left out of the matrix
NAME = 22  # characters


@dataclass(frozen=True)
class Chart:
    kind: str
    title: str
    note: str
    svg: SafeString
    head: list[str]
    rows: list[list[str]]


def shop_charts(shop: Shop) -> list[Chart]:
    """The charts that there are figures for, in a fixed number of queries."""
    analysis = analyze_shop(shop)
    names = dict(Product.objects.filter(shop=shop, is_active=True).order_by().values_list("pk", "name"))
    rows = ModelVersion.objects.filter(shop=shop)  # their figures of each product can be long: not read
    active = ShopTraining.objects.filter(shop=shop).values_list("active_version__number", flat=True).first()
    metrics = rows.values_list("number", "metrics__accuracy", "metrics__accuracy_range")
    served = Q(held_back="") | ~Q(chosen_at=None)  # somebody may have activated it anyway
    versions = [
        (number, {"accuracy": accuracy, "accuracy_range": ends}, not has_served)
        for number, accuracy, ends, has_served in metrics.annotate(served=served)[:MAX_VERSIONS]
    ][::-1]
    bins = rows.filter(number=active or 0).values_list("metrics__reliability", flat=True).first()
    charts = [
        draw_versions(versions, active),
        draw_reliability(bins),
        draw_products(analysis.confusion, names),
        draw_mix_ups(analysis.confusion, names),
    ]
    return [chart for chart in charts if chart]


def draw_versions(versions: list[tuple[int, dict, bool]], active: int | None) -> Chart | None:
    """Accuracy of the newest versions, oldest first, with its range; rings were kept back."""
    known = [(n, *figures, held) for n, metrics, held in versions if (figures := _accuracy(metrics))]
    if not known:
        return None
    least = 0.5 if min(low for _, _, low, _, _ in known) > 0.5 else 0.0
    newest, right, *_ = known[-1]
    summary = f"{len(known)} versions; the newest, {newest}, is right on {percent(right)} of photos."
    drawing = Drawing(220, "Accuracy by version", summary)
    drawing.shares(least)
    places = [drawing.x((place + 0.5) / len(known)) for place in range(len(known))]
    served = [
        (x, drawing.y(accuracy, least))
        for x, (number, accuracy, *_, held) in zip(places, known, strict=True)
        if not held or number == active
    ]
    drawing.line(served, "chart-line")
    rows, every = [], len(known) // 10 + 1
    for place, (x, (number, accuracy, low, high, held)) in enumerate(zip(places, known, strict=True)):
        state = "serves" if number == active else "kept, did not serve" if held else "earlier"
        words = f"{percent(accuracy)} ({percent(low)} to {percent(high)})"
        rows.append([str(number), words, state])
        drawing.add("line", "chart-range", x1=x, x2=x, y1=drawing.y(low, least), y2=drawing.y(high, least))
        kind = "chart-active" if number == active else "chart-held" if held else "chart-dot"
        hint = f"Version {number}: {words}, {state}"
        drawing.add("circle", kind, hint, cx=x, cy=drawing.y(accuracy, least), r=6 if number == active else 4)
        if place % every == 0:
            drawing.text(x, drawing.height - 8, str(number), "middle", "chart-small")
    note = "Estimated for photos taken elsewhere, with its range. The large dot serves; rings were kept back."
    head = ["Version", "Right", "State"]
    return Chart("versions", "Accuracy by version", note, drawing.as_html(), head, rows)


def _accuracy(metrics: dict) -> tuple[float, float, float] | None:
    """Accuracy and its range, each between 0 and 1; None where they are not known or make no sense."""
    try:
        low, high = (float(end) for end in metrics["accuracy_range"])
        accuracy = float(metrics["accuracy"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return (accuracy, low, high) if 0 <= low <= accuracy <= high <= 1 else None


def draw_products(confusion: Confusion, names: dict[int, str]) -> Chart | None:
    """The products that are recognised worst."""
    likely = {pk: confusion.likely(pk) for pk in confusion.tried if pk in names}
    known = sorted((share, names[pk], pk) for pk, share in likely.items() if share is not None)
    if not known:
        return None
    shown, more = known[:MAX_PRODUCTS], len(known) - MAX_PRODUCTS
    summary = f"Worst: {shown[0][1]}, {percent(shown[0][0])} right."
    drawing = Drawing(TOP + ROW * len(shown) + 6, "Products recognised worst", summary)
    room = WIDTH - LABEL - RIGHT - 44
    rows = []
    for place, (share, name, pk) in enumerate(shown):
        y, tried = TOP + ROW * place, round(confusion.tried[pk])
        drawing.name(LABEL - 6, y + 12, name, NAME)
        drawing.add("rect", "chart-ground", x=LABEL, y=y + 2, width=room, height=ROW - 7, rx=3)
        right = round(confusion.right.get(pk, 0))
        hint = f"{name}: {right} of {tried} photos right, as if taken elsewhere"
        drawing.add("rect", "chart-bar", hint, x=LABEL, y=y + 2, width=room * share, height=ROW - 7, rx=3)
        drawing.text(LABEL + room + 6, y + 12, percent(share), kind="chart-small")
        rows.append([name, percent(share), str(right), str(tried)])
    note = (
        "How many photos taken elsewhere would be right: estimated from each product's photos, held out and "
        "moved away, and from the shop's others. One product's figure can be far off."
    )
    if more > 0:
        note += f" {more} more product{'s are' if more > 1 else ' is'} recognised better than these."
    head = ["Product", "Estimate", "Photos right", "Photos tried"]
    return Chart("products", "Products recognised worst", note, drawing.as_html(), head, rows)


def draw_mix_ups(confusion: Confusion, names: dict[int, str]) -> Chart | None:
    """What is taken for what, of the products that are mixed up most."""
    pairs = [
        pair for pair in confusion.times if {*pair} <= names.keys() and confusion.share(*pair) >= MIN_SHARE
    ]
    pairs.sort(key=lambda pair: (-confusion.share(*pair), pair))
    if not pairs:
        return None
    products: list[int] = []
    for pair in pairs:
        new = [pk for pk in pair if pk not in products]
        if len(products) + len(new) <= MAX_MATRIX_PRODUCTS:
            products += new
    shown, given = names[pairs[0][0]], names[pairs[0][1]]
    summary = f"Most often: {shown} taken for {given}, {percent(confusion.share(*pairs[0]))}."
    side = CELL * len(products)
    drawing = Drawing(TOP + 14 + side + 6, "What is mixed up", summary)
    rows, left = [], LABEL + 18
    for row, product in enumerate(products):
        y = TOP + 14 + CELL * row
        drawing.name(LABEL - 6, y + 17, names[product], NAME)
        drawing.text(LABEL + 6, y + 17, str(row + 1), "middle", "chart-small")
        drawing.text(left + CELL * (row + 0.5), TOP + 6, str(row + 1), "middle", "chart-small")
        for column, other in enumerate(products):
            share = confusion.share(product, other) if product != other else 0.0
            hint = f"{names[product]} taken for {names[other]}"
            _cell(drawing, (left + CELL * column, y), share, product == other, hint)
            if share:
                rows.append([names[product], names[other], percent(share)])
    note = (
        "Each row is a product; the number above a column says which other product its photos are taken for."
    )
    rows.sort(key=lambda cells: -float(cells[2].split()[0]))
    head = ["Product", "Taken for", "Of its photos"]
    return Chart("matrix", "What is mixed up", note, drawing.as_html(), head, rows)


def _cell(drawing: Drawing, corner: tuple[float, float], share: float, is_own: bool, hint: str) -> None:
    x, y = corner
    size: dict[str, Any] = {"x": x + 1, "y": y + 1, "width": CELL - 2, "height": CELL - 2, "rx": 3}
    drawing.add("rect", "chart-own" if is_own else "chart-ground", **size)
    if share:
        strength = min(1.0, 0.25 + 1.5 * share)
        drawing.add("rect", "chart-wrong", f"{hint}: {percent(share)}", **size, fill_opacity=strength)
        kind = "chart-cell chart-cell-strong" if strength > 0.6 else "chart-cell"
        drawing.text(x + CELL / 2, y + 16, percent_number(share), "middle", kind)


def draw_reliability(bins) -> Chart | None:
    """How often an answer is right, by how sure it is.

    Args:
        bins: [mean probability, share right, photos] for each of ten bins; None where it was not measured.
    """
    try:
        known = [(float(claimed), float(true), int(photos)) for claimed, true, photos in bins or [] if photos]
    except (TypeError, ValueError, OverflowError):
        return None
    makes_sense = all(0 <= claimed <= 1 and 0 <= true <= 1 and 0 < n < 2**31 for claimed, true, n in known)
    if not known or not makes_sense:
        return None
    photos = sum(count for *_, count in known)
    off = sum(abs(claimed - true) * count for claimed, true, count in known) / photos
    words = (
        f"On average what is said is off by {100 * off:.1f} points on photos like those that were learned; "
        "on photos from elsewhere it can be farther off."
    )
    drawing = Drawing(260, "How truthful the probabilities are", words)
    drawing.shares()
    drawing.line([(drawing.x(0), drawing.y(0)), (drawing.x(1), drawing.y(1))], "chart-ideal")
    rows, max_photos = [], max(count for *_, count in known)
    for claimed, true, count in known:
        hint = f"Said {percent(claimed)}, right {percent(true)}, {count} photos"
        radius = round(3 + 7 * (count / max_photos) ** 0.5, 1)
        drawing.add("circle", "chart-dot", hint, cx=drawing.x(claimed), cy=drawing.y(true), r=radius)
        rows.append([percent(claimed), percent(true), str(count)])
    for share, anchor in ((0, "start"), (0.5, "middle"), (1, "end")):
        drawing.text(drawing.x(share), drawing.height - 8, percent(share), anchor, "chart-small")
    note = f"Across: how sure an answer says it is. Upwards: how often it is right. {words}"
    head = ["Said", "Right", "Photos"]
    return Chart("reliability", "How truthful the probabilities are", note, drawing.as_html(), head, rows)
