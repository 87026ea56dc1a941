"""The small pictures printed on the demo packages: a strawberry, a cow, an oat ear.

Called by `catalog.demo.packaging` through `draw_motif`; calls only Pillow. Every motif is a plain function
that draws on a square from -1 to 1, so its size and place are the caller's business.
"""

import math
from collections.abc import Callable, Sequence

from PIL import ImageDraw

Point = tuple[float, float]


class Pen:
    """Draws in a square from -1 to 1 (y down) that lies anywhere on a picture."""

    def __init__(self, draw: ImageDraw.ImageDraw, x: float, y: float, radius: float):
        self.draw, self.x, self.y, self.radius = draw, x, y, radius

    def at(self, x: float, y: float, radius: float) -> "Pen":
        """A smaller pen inside this one's square."""
        return Pen(self.draw, self.x + x * self.radius, self.y + y * self.radius, radius * self.radius)

    def place(self, points: Sequence[Point]) -> list[Point]:
        return [(self.x + x * self.radius, self.y + y * self.radius) for x, y in points]

    def oval(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        self.draw.ellipse(self.place([(x - width, y - height), (x + width, y + height)]), fill=colour)

    def shape(self, points: Sequence[Point], colour: str) -> None:
        self.draw.polygon(self.place(points), fill=colour)

    def stroke(self, points: Sequence[Point], colour: str, width: float) -> None:
        self.draw.line(
            self.place(points), fill=colour, width=max(1, round(width * self.radius)), joint="curve"
        )

    def leaf(self, x: float, y: float, angle: float, length: float, colour: str) -> None:
        """A pointed oval that starts at (x, y) and runs along `angle` (degrees, 0 is right, 90 is down)."""
        turn = math.radians(angle)
        outline = []
        for step in range(21):
            along = step / 10 if step <= 10 else 2 - step / 10
            across = 0.28 * math.sin(math.pi * along) * (1 if step <= 10 else -1)
            outline.append((
                x + length * (along * math.cos(turn) - across * math.sin(turn)),
                y + length * (along * math.sin(turn) + across * math.cos(turn)),
            ))  # fmt: skip
        self.shape(outline, colour)


def strawberry(pen: Pen) -> None:
    pen.shape(
        [(-0.75, -0.35), (-0.45, -0.6), (0.45, -0.6), (0.75, -0.35), (0.6, 0.25), (0, 0.95), (-0.6, 0.25)],
        "#d0212c",
    )
    pen.oval(-0.35, -0.3, 0.4, 0.38, "#d0212c")
    pen.oval(0.35, -0.3, 0.4, 0.38, "#d0212c")
    for x, y in ((-0.45, -0.2), (0, -0.25), (0.45, -0.2), (-0.25, 0.12), (0.25, 0.12), (0, 0.45)):
        pen.oval(x, y, 0.05, 0.08, "#f7d774")
    for angle in (-170, -125, -90, -55, -10):
        pen.leaf(0, -0.5, angle, 0.5, "#4c8b34")


def raspberry(pen: Pen) -> None:
    for row, (y, count) in enumerate(((-0.42, 4), (-0.12, 5), (0.18, 4), (0.46, 3), (0.7, 2))):
        for column in range(count):
            x = (column - (count - 1) / 2) * 0.32
            pen.oval(x, y, 0.21, 0.2, "#a81e4c" if (row + column) % 2 else "#bd2c5d")
            pen.oval(x - 0.06, y - 0.07, 0.05, 0.05, "#e58aa8")
    for angle in (-170, -125, -90, -55, -10):
        pen.leaf(0, -0.55, angle, 0.48, "#4c8b34")


def cow(pen: Pen) -> None:
    pen.leaf(-0.45, -0.4, 200, 0.6, "#3b332e")
    pen.leaf(0.45, -0.4, -20, 0.6, "#3b332e")
    pen.oval(0, -0.1, 0.55, 0.75, "#ffffff")
    pen.oval(-0.3, -0.35, 0.26, 0.36, "#3b332e")
    pen.oval(0, 0.5, 0.52, 0.36, "#f0b6ae")
    pen.oval(-0.2, 0.45, 0.07, 0.1, "#a8655f")
    pen.oval(0.2, 0.45, 0.07, 0.1, "#a8655f")
    pen.oval(-0.27, -0.25, 0.09, 0.12, "#ffffff")
    pen.oval(-0.27, -0.23, 0.05, 0.07, "#1d1815")
    pen.oval(0.27, -0.23, 0.07, 0.1, "#1d1815")


def oats(pen: Pen) -> None:
    for lean, top in ((-0.5, -0.55), (0.5, -0.55), (0, -0.95)):
        pen.stroke([(0, 1), (lean * 0.5, 0.2), (lean, top)], "#8a6a2c", 0.05)
        for step in range(5):
            along = 0.15 + step * 0.2
            x, y = lean * (1 - along * 0.6), top + along * 0.8
            pen.leaf(x, y, -150, 0.32, "#c99a3e")
            pen.leaf(x, y, -30, 0.32, "#b8862e")
        pen.leaf(lean, top + 0.1, -90, 0.32, "#c99a3e")


def crisp(pen: Pen) -> None:
    """One crisp: a wavy oval with a lighter middle. Part of the crisps motifs."""
    edge = [
        (math.cos(a / 15 * math.pi) * (0.95 + 0.05 * math.sin(a * 2.1)),
         math.sin(a / 15 * math.pi) * (0.68 + 0.06 * math.cos(a * 1.7)))
        for a in range(30)
    ]  # fmt: skip
    pen.shape(edge, "#d99a2b")
    pen.shape([(x * 0.88, y * 0.84 - 0.03) for x, y in edge], "#f3cd6a")
    pen.oval(-0.3, -0.15, 0.2, 0.1, "#f9e09a")


def salted_crisps(pen: Pen) -> None:
    crisp(pen.at(-0.42, 0.25, 0.55))
    crisp(pen.at(0.42, 0.3, 0.55))
    crisp(pen.at(0, -0.15, 0.62))
    for x, y in ((-0.6, -0.6), (-0.2, -0.8), (0.3, -0.7), (0.65, -0.45), (-0.35, -0.5), (0.1, -0.55)):
        pen.shape([(x, y - 0.08), (x + 0.08, y), (x, y + 0.08), (x - 0.08, y)], "#ffffff")


def paprika_crisps(pen: Pen) -> None:
    crisp(pen.at(-0.42, 0.25, 0.55))
    crisp(pen.at(0.42, 0.3, 0.55))
    crisp(pen.at(0, -0.15, 0.62))
    pepper = pen.at(0.45, -0.5, 0.42)
    for x in (-0.4, 0.4, 0):
        pepper.oval(x, 0.1, 0.42, 0.75, "#c8281f" if x else "#de3b2c")
    pepper.stroke([(0, -0.55), (0.05, -0.9), (0.3, -1)], "#4c7d2c", 0.22)


def cocoa(pen: Pen) -> None:
    pen.leaf(-0.1, 0.7, -115, 1.5, "#a5602c")
    pen.leaf(0.2, 0.75, -75, 1.4, "#8a4a22")
    for x, y in ((-0.5, 0.6), (0, 0.75), (0.5, 0.6)):
        pen.oval(x, y, 0.25, 0.17, "#5a2d1a")
        pen.stroke([(x - 0.2, y), (x + 0.2, y)], "#35170d", 0.05)


def milk_cocoa(pen: Pen) -> None:
    pen.leaf(-0.1, 0.7, -115, 1.5, "#a5602c")
    pen.shape([(0.1, -0.6), (0.7, -0.6), (0.62, 0.7), (0.18, 0.7)], "#dfeaf2")
    pen.shape([(0.13, -0.3), (0.67, -0.3), (0.62, 0.7), (0.18, 0.7)], "#ffffff")
    for x, y in ((-0.5, 0.6), (0, 0.78)):
        pen.oval(x, y, 0.25, 0.17, "#5a2d1a")
        pen.stroke([(x - 0.2, y), (x + 0.2, y)], "#35170d", 0.05)


def tomato(pen: Pen) -> None:
    pen.oval(0, 0.1, 0.88, 0.8, "#c92f22")
    pen.oval(-0.05, 0.05, 0.76, 0.68, "#dd4330")
    pen.oval(-0.4, -0.2, 0.16, 0.12, "#f29a86")
    for angle in (-165, -130, -50, -15, 60, 120):
        pen.leaf(0, -0.55, angle, 0.5, "#4b8434")


def tomato_basil(pen: Pen) -> None:
    tomato(pen)
    for angle, length in ((155, 0.75), (110, 0.8), (60, 0.7)):
        pen.leaf(0.35, 0.3, angle, length, "#3f8a3a" if angle != 110 else "#58a84c")


def bee(pen: Pen) -> None:
    pen.oval(-0.25, -0.5, 0.3, 0.45, "#e6f0f2")
    pen.oval(0.25, -0.5, 0.3, 0.45, "#e6f0f2")
    pen.oval(0, 0.15, 0.8, 0.5, "#f0b323")
    for x in (-0.35, 0.0, 0.35):
        pen.stroke([(x, -0.28 + abs(x) * 0.2), (x, 0.58 - abs(x) * 0.2)], "#35240f", 0.16)
    pen.oval(0.72, 0.1, 0.24, 0.26, "#35240f")
    pen.stroke([(0.78, -0.1), (0.95, -0.4)], "#35240f", 0.05)


def coffee(pen: Pen) -> None:
    pen.oval(0, 0.75, 0.95, 0.2, "#d9c7a6")
    pen.shape([(-0.65, -0.1), (0.65, -0.1), (0.45, 0.75), (-0.45, 0.75)], "#f7efe0")
    pen.oval(0, -0.1, 0.65, 0.16, "#5a3018")
    pen.stroke([(0.6, 0.05), (0.95, 0.1), (0.9, 0.45), (0.52, 0.45)], "#f7efe0", 0.1)
    for x in (-0.3, 0, 0.3):
        pen.stroke([(x, -0.35), (x + 0.12, -0.55), (x - 0.08, -0.75), (x + 0.05, -0.95)], "#f7efe0", 0.07)


def tea(pen: Pen) -> None:
    pen.stroke([(0, 0.95), (0, -0.2)], "#8fc07a", 0.07)
    pen.leaf(0, 0.1, -90, 1.05, "#a8d08d")
    for side in (-1, 1):
        pen.leaf(0, 0.45, -90 + side * 55, 0.95, "#8fc07a")
        pen.leaf(0, 0.85, -90 + side * 75, 0.75, "#6fa862")


def lemon(pen: Pen) -> None:
    pen.leaf(-0.1, -0.55, -25, 0.8, "#4d9a45")
    pen.oval(0, 0.1, 0.85, 0.66, "#f3d334")
    pen.shape([(0.7, -0.2), (1, 0.1), (0.7, 0.4)], "#f3d334")
    pen.oval(0.05, 0.15, 0.5, 0.48, "#fdf6c4")
    for turn in range(6):
        angle = turn * math.pi / 3
        pen.oval(0.05 + 0.26 * math.cos(angle), 0.15 + 0.25 * math.sin(angle), 0.16, 0.15, "#f6e06a")


def moon_bowl(pen: Pen) -> None:
    rim = [(math.cos(step * math.pi / 15), math.sin(step * math.pi / 15)) for step in range(4, 27)]
    hollow = [(0.16 + 0.72 * x, -0.1 + 0.78 * y) for x, y in reversed(rim)]
    moon = [(-0.3 + 0.42 * x, -0.58 + 0.42 * y) for x, y in rim + hollow]
    pen.shape(moon, "#fff2b8")
    for x, y in ((0.5, -0.75), (0.75, -0.35), (0.2, -0.3)):
        pen.shape([(x, y - 0.13), (x + 0.05, y), (x, y + 0.13), (x - 0.05, y)], "#fff2b8")
        pen.shape([(x - 0.13, y), (x, y - 0.05), (x + 0.13, y), (x, y + 0.05)], "#fff2b8")
    hoops = ((-0.6, 0.12), (-0.2, 0.05), (0.2, 0.08), (0.6, 0.13), (0, -0.1), (-0.4, -0.02), (0.4, -0.02))
    for x, y in hoops:
        pen.oval(x, y, 0.22, 0.2, "#e8a33f")
        pen.oval(x, y, 0.09, 0.08, "#a85f1d")
    pen.shape([(-0.95, 0.15), (0.95, 0.15), (0.6, 0.9), (-0.6, 0.9)], "#e9f3f8")
    pen.shape([(-0.9, 0.3), (0.9, 0.3), (0.83, 0.45), (-0.83, 0.45)], "#5aa0c8")


MOTIFS: dict[str, Callable[[Pen], None]] = {
    motif.__name__: motif
    for motif in (
        strawberry, raspberry, cow, oats, salted_crisps, paprika_crisps, cocoa, milk_cocoa, tomato,
        tomato_basil, bee, coffee, tea, lemon, moon_bowl,
    )
}  # fmt: skip


def draw_motif(draw: ImageDraw.ImageDraw, name: str, x: float, y: float, radius: float) -> None:
    """Draw the motif called `name` with its middle at (x, y)."""
    MOTIFS[name](Pen(draw, x, y, radius))
