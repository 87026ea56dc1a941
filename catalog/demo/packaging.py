"""The printed artwork of the demo packages, flat as it leaves the printer: fronts, sides and lids.

Called by `solids` and `cylinders`, which fold it into packages, and by `backdrops` for the font; calls
`motifs`. Sizes are in "print pixels": a carton is about 400 of them high. Everything is drawn twice as
large and reduced, because Pillow's shapes have hard edges. The font inside Pillow knows ASCII only.
"""

import math
from collections.abc import Callable
from functools import cache

from PIL import Image, ImageColor, ImageDraw, ImageFont

from catalog.demo.motifs import draw_motif
from catalog.demo.products import DemoProduct, Look

OVERSIZE = 2
# Width and height of the front. For round packages: of the label's middle, about a third of the way round.
FRONT_SIZE = {
    "carton": (270, 380), "box": (320, 440), "bar": (470, 215), "tin": (270, 320), "bag": (350, 460),
    "pouch": (290, 440), "can": (300, 380), "jar": (290, 200), "bottle": (220, 240),
}  # fmt: skip
SIDE_WIDTH = {"carton": 250, "box": 110, "bar": 30, "tin": 250, "can": 240, "jar": 220, "bottle": 170}


def mix(colour: str, other: str, share: float) -> str:
    """Blend `share` of the other colour into a colour; both `#rrggbb`."""
    pair = zip(ImageColor.getrgb(colour), ImageColor.getrgb(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pair)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size=size)


class Sheet:
    """A printer's sheet: draws in fractions of its width and height."""

    def __init__(self, size: tuple[int, int], ground: str):
        self.width, self.height = size[0] * OVERSIZE, size[1] * OVERSIZE
        self.image = Image.new("RGB", (self.width, self.height), ground)
        self.draw = ImageDraw.Draw(self.image)

    def points(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x * self.width, y * self.height) for x, y in points]

    def band(self, top: float, bottom: float, colour: str) -> None:
        self.draw.rectangle(self.points((0, top), (1, bottom)), fill=colour)

    def panel(self, left: float, top: float, right: float, bottom: float, colour: str, **options) -> None:
        """A rectangle with round corners; `options` go to Pillow (outline, width)."""
        radius = options.pop("radius", 0.04) * self.width
        self.draw.rounded_rectangle(
            self.points((left, top), (right, bottom)), radius=radius, fill=colour, **options
        )

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        """A circle; its radius is a fraction of the width."""
        reach = radius * self.width
        x, y = x * self.width, y * self.height
        self.draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)

    def wave(self, level: float, swing: float, colour: str, phase: float = 0.0) -> None:
        """Fill everything below a wavy line."""
        crest = [(x / 40, level + swing * math.sin(x / 40 * 2 * math.pi + phase)) for x in range(41)]
        self.draw.polygon(self.points((0, 1.01), *crest, (1, 1.01)), fill=colour)

    def motif(self, name: str, x: float, y: float, radius: float) -> None:
        draw_motif(self.draw, name, x * self.width, y * self.height, radius * self.width)

    def text(self, words: str, x: float, y: float, fit: tuple[float, float], colour: str, bold=0.0) -> None:
        """Write centred on (x, y), as large as the box `fit` (width, height) lets it be."""
        length = font(100).getlength(words) * (1 + bold)
        size = int(100 * min(fit[0] * self.width / length, fit[1] * self.height / 75))
        self.draw.text(
            (x * self.width, y * self.height), words, fill=colour, font=font(max(6, size)), anchor="mm",
            stroke_width=round(size * bold),
        )  # fmt: skip

    def title(self, look: Look, x: float, y: float, fit: tuple[float, float], colour: str) -> None:
        """Write the title's lines below one another, all inside the box `fit`."""
        step = fit[1] / len(look.title)
        for row, words in enumerate(look.title):
            line = y + (row - (len(look.title) - 1) / 2) * step
            self.text(words, x, line, (fit[0], step * 0.8), colour, 0.025)

    def finished(self) -> Image.Image:
        return self.image.reduce(OVERSIZE)


def _carton(sheet: Sheet, look: Look) -> None:
    sheet.band(0, 0.2, look.band)
    sheet.text(look.brand, 0.5, 0.105, (0.8, 0.105), mix(look.base, "#ffffff", 0.6), 0.03)
    sheet.title(look, 0.5, 0.34, (0.82, 0.22), look.ink)
    sheet.wave(0.64, 0.03, look.accent)
    sheet.wave(0.8, 0.03, look.band, 2.0)
    sheet.motif(look.motif, 0.5, 0.66, 0.25)
    sheet.text(look.amount, 0.84, 0.94, (0.2, 0.055), "#ffffff")


def _jar(sheet: Sheet, look: Look) -> None:
    edge = round(0.012 * sheet.width)
    sheet.panel(0.03, 0.05, 0.97, 0.95, look.base, outline=look.band, width=edge)
    sheet.text(look.brand, 0.5, 0.17, (0.55, 0.11), look.ink)
    sheet.motif(look.motif, 0.24, 0.56, 0.145)
    sheet.title(look, 0.64, 0.53, (0.5, 0.44), look.band)
    sheet.draw.line(sheet.points((0.15, 0.82), (0.85, 0.82)), fill=look.accent, width=edge)
    sheet.text(look.amount, 0.5, 0.885, (0.3, 0.08), look.ink)


def _can(sheet: Sheet, look: Look) -> None:
    sheet.band(0, 0.43, look.band)
    sheet.band(0.43, 0.455, look.accent)
    sheet.text(look.brand, 0.5, 0.14, (0.74, 0.13), "#fff6e0", 0.025)
    sheet.disc(0.5, 0.44, 0.235, look.accent)
    sheet.disc(0.5, 0.44, 0.215, "#fffaf0")
    sheet.motif(look.motif, 0.5, 0.44, 0.165)
    sheet.title(look, 0.5, 0.765, (0.78, 0.25), look.ink)
    sheet.band(0.92, 1, look.accent)
    sheet.text(look.amount, 0.5, 0.96, (0.3, 0.045), look.ink)


def _bag(sheet: Sheet, look: Look) -> None:
    reach, middle = 1.2 * sheet.height, (0.5 * sheet.width, 0.62 * sheet.height)
    for ray in range(0, 360, 30):
        sheet.draw.pieslice(
            (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach), ray, ray + 15,
            fill=look.accent,
        )  # fmt: skip
    sheet.draw.polygon(sheet.points((0, 0.16), (1, 0.12), (1, 0.36), (0, 0.4)), fill=look.band)
    sheet.text(look.brand, 0.5, 0.26, (0.82, 0.16), "#fffdf2", 0.035)
    sheet.motif(look.motif, 0.5, 0.62, 0.33)
    sheet.panel(0.14, 0.795, 0.86, 0.925, look.band)
    sheet.text(" ".join(look.title), 0.5, 0.86, (0.66, 0.075), "#ffffff", 0.03)
    sheet.text(look.amount, 0.13, 0.46, (0.17, 0.05), look.ink)


def _pouch(sheet: Sheet, look: Look) -> None:
    sheet.band(0.1, 0.115, look.band)
    sheet.text(look.brand, 0.5, 0.2, (0.78, 0.1), look.band, 0.03)
    sheet.disc(0.5, 0.48, 0.34, look.accent)
    sheet.disc(0.5, 0.48, 0.31, look.base)
    sheet.motif(look.motif, 0.5, 0.485, 0.19)
    sheet.title(look, 0.5, 0.805, (0.7, 0.17), look.ink)
    sheet.text(look.amount, 0.5, 0.93, (0.3, 0.045), look.band)


def _bottle(sheet: Sheet, look: Look) -> None:
    sheet.panel(0.02, 0.02, 0.98, 0.98, look.base, radius=0.14)
    sheet.text(look.brand, 0.5, 0.14, (0.76, 0.13), look.band, 0.03)
    sheet.motif(look.motif, 0.5, 0.44, 0.23)
    sheet.panel(0.08, 0.67, 0.92, 0.9, look.band, radius=0.1)
    sheet.title(look, 0.5, 0.785, (0.6, 0.19), "#ffffff")


def _box(sheet: Sheet, look: Look) -> None:
    sheet.disc(0.5, 0.72, 0.62, mix(look.base, "#ffffff", 0.14))
    sheet.draw.polygon(sheet.points((0, 0.05), (1, 0.02), (1, 0.15), (0, 0.18)), fill=look.accent)
    sheet.text(look.brand, 0.5, 0.1, (0.6, 0.08), look.ink, 0.03)
    sheet.title(look, 0.5, 0.33, (0.84, 0.28), look.band)
    sheet.motif(look.motif, 0.5, 0.72, 0.37)
    sheet.text(look.amount, 0.85, 0.95, (0.2, 0.04), look.ink)


def _bar(sheet: Sheet, look: Look) -> None:
    edge = round(0.008 * sheet.width)
    sheet.draw.rectangle(sheet.points((0, 0), (0.34, 1)), fill=look.band)
    sheet.draw.line(sheet.points((0.345, 0), (0.345, 1)), fill=look.accent, width=2 * edge)
    sheet.panel(0.03, 0.07, 0.97, 0.93, None, outline=look.accent, width=edge, radius=0.02)
    sheet.motif(look.motif, 0.185, 0.5, 0.12)
    sheet.text(look.brand, 0.655, 0.27, (0.5, 0.2), look.accent, 0.03)
    sheet.title(look, 0.655, 0.585, (0.5, 0.36), look.ink)
    sheet.text(look.amount, 0.88, 0.85, (0.12, 0.075), look.accent)


def _tin(sheet: Sheet, look: Look) -> None:
    edge = round(0.012 * sheet.width)
    sheet.panel(0.05, 0.04, 0.95, 0.96, None, outline=look.band, width=edge, radius=0.06)
    sheet.panel(0.08, 0.065, 0.92, 0.935, None, outline=look.accent, width=edge // 2, radius=0.05)
    sheet.disc(0.5, 0.34, 0.25, mix(look.base, "#ffffff", 0.85))
    sheet.disc(0.5, 0.34, 0.23, mix(look.base, "#000000", 0.25))
    sheet.motif(look.motif, 0.5, 0.33, 0.17)
    sheet.text(look.brand, 0.5, 0.6, (0.68, 0.09), look.band, 0.03)
    sheet.title(look, 0.5, 0.76, (0.6, 0.18), look.ink)
    sheet.text(look.amount, 0.5, 0.885, (0.3, 0.045), look.accent)


FRONTS: dict[str, Callable[[Sheet, Look], None]] = {
    "carton": _carton, "jar": _jar, "can": _can, "bag": _bag, "pouch": _pouch, "bottle": _bottle, "box": _box,
    "bar": _bar, "tin": _tin,
}  # fmt: skip


@cache
def front(product: DemoProduct) -> Image.Image:
    """Print a product's front: RGB, `FRONT_SIZE` of its package. Cached; copy before changing it."""
    look = product.look
    sheet = Sheet(FRONT_SIZE[look.package], look.base)
    FRONTS[look.package](sheet, look)
    return sheet.finished()


@cache
def side(product: DemoProduct) -> Image.Image:
    """Print the panel beside the front: small print, a table and a barcode-like block. Cached."""
    look = product.look
    width, height = SIDE_WIDTH[look.package], FRONT_SIZE[look.package][1]
    sheet = Sheet((width, height), look.base)
    if look.package in ("carton", "can"):
        sheet.band(0, 0.2 if look.package == "carton" else 0.43, look.band)
    if width < 60:
        return sheet.finished()
    print_colour = mix(look.base, look.ink, 0.75)
    for row in range(9):
        right = 0.85 if row % 4 < 3 else 0.55
        sheet.draw.rectangle(
            sheet.points((0.15, 0.48 + row * 0.027), (right, 0.488 + row * 0.027)), fill=print_colour
        )
    sheet.panel(0.2, 0.76, 0.8, 0.94, "#ffffff", radius=0.01)
    x = 0.24
    for digit in product.barcode:
        wide = 0.008 + int(digit) % 4 * 0.006
        sheet.draw.rectangle(sheet.points((x, 0.78), (x + wide, 0.92)), fill="#222222")
        x += 0.04
    return sheet.finished()
