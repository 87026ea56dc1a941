"""Draws the plot of `benchmarks.deep_training` as an SVG file. Called by that benchmark."""

from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 560, 320, 50, 20, 20, 44
COLOURS = {"3": "#2e7d32", "5": "#ef6c00", "10": "#8e24aa", "all": "#1565c0"}
LEAST, MOST = 0.4, 1.0  # of the axis


def draw_plot(results: dict, folder: Path) -> None:
    """Top-1 on test photos over minutes: a line for the network's own head, a dot for the closed-form head at
    the end, a dashed line for the frozen backbone."""
    sizes = results["by_photos_per_product"]
    longest = max(measured["minutes"] for measured in sizes.values())
    content = [_grid()]
    for index, (size, measured) in enumerate(sizes.items()):
        colour = COLOURS.get(size, "#455a64")
        points = [(entry["minutes"], entry["test"]) for entry in measured["epochs"]]
        line = " ".join(f"{_x(at / longest):.1f},{_y(share):.1f}" for at, share in points)
        level = f"{_y(measured['frozen']):.1f}"
        end = (_x(measured["minutes"] / longest), _y(measured["tuned"]))
        dashes = 'stroke-dasharray="5 4"'
        words = f"{size} photos a product: frozen {measured['frozen']:.1%}, tuned {measured['tuned']:.1%}"
        content += [
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{level}" y2="{level}" {dashes} stroke="{colour}"/>',
            f'<circle cx="{end[0]:.1f}" cy="{end[1]:.1f}" r="5" fill="{colour}"/>',
            f'<text x="{_x(0.3):.1f}" y="{HEIGHT - BOTTOM - 12 - 16 * index}" fill="{colour}">{words}</text>',
        ]
    content.append(
        f'<text x="{_x(0.5):.1f}" y="{HEIGHT - 8}" text-anchor="middle">minutes, of {longest:.0f}</text>'
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "deep-training.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" '
        f'fill="white"/>{"".join(content)}</svg>\n'
    )


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - (share - LEAST) / (MOST - LEAST) * (HEIGHT - TOP - BOTTOM)


def _grid() -> str:
    return "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(tick):.1f}" y2="{_y(tick):.1f}" stroke="#ccc"/>'
        f'<text x="{LEFT - 6}" y="{_y(tick) + 4:.1f}" text-anchor="end">{tick:.0%}</text>'
        for tick in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    )
