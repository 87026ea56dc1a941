"""Draws the plots of `benchmarks.recognition` as SVG files. Called by that benchmark."""

from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 560, 320, 50, 20, 20, 44
COLOURS = ("#1565c0", "#ef6c00", "#8e24aa", "#2e7d32", "#607d8b")


def draw_plots(result: dict, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recognition-by-photos.svg").write_text(_by_photos(result))
    (folder / "recognition-reliability.svg").write_text(_reliability(result["reliability"]))


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _frame(label: str, content: list[str]) -> str:
    lines = [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(tick):.1f}" y2="{_y(tick):.1f}" stroke="#ccc"/>'
        f'<text x="{LEFT - 6}" y="{_y(tick) + 4:.1f}" text-anchor="end">{tick:.0%}</text>'
        for tick in (0, 0.2, 0.4, 0.6, 0.8, 1)
    ]
    below = f'<text x="{_x(0.5):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{label}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" '
        f'fill="white"/>{"".join(lines)}{"".join(content)}{below}</svg>\n'
    )


def _by_photos(result: dict) -> str:
    rows = result["by_photos_per_product"]
    sizes = list(rows["this head"])
    rows = rows | {"this head, estimated from its own photos": result["estimated_by_photos_per_product"]}
    content = []
    places = {size: _x((index + 0.5) / len(sizes)) for index, size in enumerate(sizes)}
    for size, x in places.items():
        content.append(f'<text x="{x:.1f}" y="{HEIGHT - 26}" text-anchor="middle">{size}</text>')
    for index, (name, shares) in enumerate(rows.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = " ".join(f"{places[size]:.1f},{_y(share):.1f}" for size, share in shares.items())
        dashed = ' stroke-dasharray="5 4"' if index == len(rows) - 1 else ""
        content.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'
        )
        y = HEIGHT - BOTTOM - 76 + 15 * index
        content.append(f'<text x="{_x(0.48):.1f}" y="{y}" fill="{colour}">{name}</text>')
    return _frame("photos a product", content)


def _reliability(bins: list[dict]) -> str:
    most = max(entry["photos"] for entry in bins)
    content = [
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#999" stroke-dasharray="4"/>'
    ]
    for entry in bins:
        radius = 3 + 9 * (entry["photos"] / most) ** 0.5
        content.append(
            f'<circle cx="{_x(entry["said"]):.1f}" cy="{_y(entry["true"]):.1f}" r="{radius:.1f}" '
            f'fill="{COLOURS[0]}" fill-opacity="0.7"><title>{entry["photos"]} photos</title></circle>'
        )
    return _frame("probability said; upwards: how often it was right", content)
