"""Everyday things that lie about near a product: mugs, fruit, plates, boxes, receipts, plants.

Called by `catalog.demo.scenes`; calls only Pillow. Each is an RGBA picture of about `size` pixels, cut close.
"""

import math
import random
from collections.abc import Callable

from PIL import Image, ImageChops, ImageColor, ImageDraw

COLOURS = ("#c8483c", "#3f7fb0", "#e0b23c", "#5b9a62", "#8a6fb0", "#e8e3d8", "#4a4f57", "#d98a52", "#79b6b0")


def _sheet(size: int, aspect: float = 1.0) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGBA", (max(8, round(size * aspect)), size))
    return picture, ImageDraw.Draw(picture)


def _lit_from_left(picture: Image.Image) -> Image.Image:
    """Darken towards the right, as a window at the left would."""
    ramp = Image.linear_gradient("L").rotate(90).resize(picture.size)
    ramp = ramp.point([130 + level * 125 // 255 for level in range(256)])
    *colours, alpha = picture.split()
    return Image.merge("RGBA", [*(ImageChops.multiply(band, ramp) for band in colours), alpha])


def mug(size: int, rng: random.Random) -> Image.Image:
    picture, draw = _sheet(size, 1.15)
    colour, s = rng.choice(COLOURS), size / 100
    draw.ellipse((70 * s, 28 * s, 112 * s, 76 * s), outline=colour, width=round(9 * s))
    draw.rounded_rectangle((2 * s, 8 * s, 88 * s, 99 * s), radius=12 * s, fill=colour)
    picture = _lit_from_left(picture)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((2 * s, 0, 88 * s, 18 * s), fill="#f4f1ea")
    draw.ellipse((7 * s, 3 * s, 83 * s, 17 * s), fill="#5b3a24")
    return picture


def fruit(size: int, rng: random.Random) -> Image.Image:
    """An apple, an orange or a lime."""
    picture, draw = _sheet(size)
    red, green, blue = ImageColor.getrgb(rng.choice(("#c8322b", "#e98a1f", "#8fae2f", "#d9b23a")))
    for step in range(12):
        share, inset = 0.62 + 0.04 * step, size * 0.035 * step
        box = (inset * 0.7, inset * 0.5, size - 1 - inset * 1.3, size - 1 - inset * 1.5)
        draw.ellipse(box, fill=(int(red * share), int(green * share), int(blue * share)))
    draw.line((size * 0.5, size * 0.12, size * 0.56, 0), fill="#4d3a22", width=max(1, size // 25))
    return picture


def plate(size: int, rng: random.Random) -> Image.Image:
    """A plate seen from the side, so a flat oval, `size` wide."""
    picture, draw = _sheet(max(8, size // 3), 3.0)
    width, height = picture.size
    draw.ellipse((0, 0, width - 1, height - 1), fill=rng.choice(("#f2efe8", "#cfdbe0", "#e3c9a8")))
    draw.ellipse((width * 0.16, height * 0.16, width * 0.84, height * 0.78), fill="#dedad2")
    return picture


def plain_box(size: int, rng: random.Random) -> Image.Image:
    """A package of no brand: blocks of colour where lettering would be."""
    picture, draw = _sheet(size, rng.uniform(0.55, 0.9))
    width, height = picture.size
    ground, band, other = rng.sample(COLOURS, 3)
    draw.rectangle((0, 0, width, height), fill=ground)
    draw.rectangle((0, height * 0.15, width, height * rng.uniform(0.3, 0.5)), fill=band)
    draw.ellipse((width * 0.25, height * 0.55, width * 0.75, height * 0.55 + width * 0.5), fill=other)
    for row in range(3):
        y = height * (0.2 + row * 0.06)
        draw.rectangle((width * 0.15, y, width * rng.uniform(0.5, 0.85), y + height * 0.025), fill="#f7f3e8")
    return _lit_from_left(picture)


def receipt(size: int, rng: random.Random) -> Image.Image:
    picture, draw = _sheet(size, 0.42)
    draw.rectangle((0, 0, picture.width, size), fill="#f4f2ec")
    for row in range(4, 24):
        y, left = size * row / 26, picture.width * 0.12
        right = left + picture.width * rng.uniform(0.25, 0.75)
        draw.line((left, y, right, y), fill="#8b8780", width=max(1, size // 90))
    return picture.rotate(rng.uniform(-60, 60), Image.Resampling.BILINEAR, expand=True)


def plant(size: int, rng: random.Random) -> Image.Image:
    picture, draw = _sheet(size)
    s = size / 100
    for _ in range(16):
        lean, reach = rng.uniform(-1.1, 1.1), rng.uniform(35, 68) * s
        tip = (50 * s + reach * math.sin(lean), 68 * s - reach * math.cos(lean))
        side = rng.uniform(5, 9) * s
        middle = ((50 * s + tip[0]) / 2, (68 * s + tip[1]) / 2)
        draw.polygon([(50 * s, 68 * s), (middle[0] - side, middle[1]), tip, (middle[0] + side, middle[1])],
                     fill=rng.choice(("#4f8a45", "#3d7238", "#6ba158", "#2f5c34")))  # fmt: skip
    pot = rng.choice(("#b8653f", "#e5e0d6", "#55616b"))
    draw.polygon([(27 * s, 62 * s), (73 * s, 62 * s), (66 * s, 99 * s), (34 * s, 99 * s)], fill=pot)
    return picture


def coins(size: int, rng: random.Random) -> Image.Image:
    picture, draw = _sheet(size)
    for _ in range(3):
        r = size * rng.uniform(0.12, 0.2)
        x, y = rng.uniform(r, size - r), rng.uniform(r, size - r)
        metal = rng.choice(("#c9a24a", "#b9bcc0", "#b0754a"))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=metal, outline="#6f6a60")
    return picture


Thing = Callable[[int, random.Random], Image.Image]
# With each thing its natural size, in pixels beside a product photographed from near.
Things = tuple[tuple[Thing, int], ...]
STANDING: Things = ((mug, 260), (fruit, 210), (plate, 250), (plain_box, 370), (plant, 400))
LYING: Things = ((fruit, 210), (receipt, 400), (coins, 170), (plain_box, 340))
