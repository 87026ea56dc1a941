"""Puts things into a set, each with its shadow: the product, its neighbours, something in the foreground.

Called by `catalog.demo.scenes`; calls `solids` and `clutter` for the things.
"""

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops, ImageFilter, ImageOps

from catalog.demo import clutter
from catalog.demo.backdrops import Backdrop
from catalog.demo.products import DEMO_PRODUCTS, DemoProduct
from catalog.demo.projection import Pose
from catalog.demo.solids import NEAR_HEIGHT, stand

SHADOW = (18, 14, 12)
NEIGHBOUR_VIEWS = 4


@dataclass(frozen=True)
class Stage:
    """A set that is being filled around the place the subject will take. Pixels are half-size."""

    room: Image.Image  # drawn on
    backdrop: Backdrop
    product: DemoProduct
    scale: float  # the subject's; neighbours come a little smaller, as they stand further away
    left: int  # of the subject
    right: int


@lru_cache(maxsize=NEIGHBOUR_VIEWS * len(DEMO_PRODUCTS))
def neighbour_view(product: DemoProduct, view: int) -> Image.Image:
    """One of a few ready views of a product at half size; as a neighbour it is out of focus anyway."""
    rng = random.Random(f"neighbour:{product.sku}:{view}")
    height = NEAR_HEIGHT[product.look.package] / 2
    pose = Pose(height, rng.gauss(0, 0.3), rng.uniform(0.02, 0.25), 0.0, rng.uniform(-1, 1))
    return stand(product, pose, rng)


def _some_product(product: DemoProduct, scale: float, rng: random.Random) -> Image.Image:
    other = rng.choice([other for other in DEMO_PRODUCTS if other != product])
    view = neighbour_view(other, rng.randrange(NEIGHBOUR_VIEWS))
    size = (max(8, round(view.width * scale)), max(8, round(view.height * scale)))
    return view.resize(size, Image.Resampling.BILINEAR)


def _some_thing(backdrop: Backdrop, scale: float, rng: random.Random) -> Image.Image:
    draw, size = rng.choice(clutter.LYING if backdrop.lying else clutter.STANDING)
    return draw(round(size * scale), rng)


def add_neighbours(stage: Stage, rng: random.Random) -> None:
    """Put other products and everyday things around the place the subject will take."""
    if stage.backdrop.lying:
        _strew(stage, rng)
    elif stage.backdrop.crowded:
        _fill_shelf(stage, rng)
    else:
        _stand_about(stage, rng)


def _fill_shelf(stage: Stage, rng: random.Random) -> None:
    """Stand packages side by side on both sides of the subject, with the odd gap."""
    floor = round(stage.backdrop.floor * stage.room.height) - rng.randint(2, 8)
    for side in (-1, 1):
        edge = (stage.left if side < 0 else stage.right) + rng.randint(-12, 12)
        while 0 < edge < stage.room.width:
            thing = _some_product(stage.product, stage.scale * 0.88, rng)
            for _ in range(rng.choice((1, 1, 2))):
                x = edge - thing.width if side < 0 else edge
                put(stage.room, thing, (x, floor - thing.height), 0.3, False)
                edge += side * (thing.width + rng.randint(0, 4))
            edge += side * rng.choice((4, 10, 40))


def _stand_about(stage: Stage, rng: random.Random) -> None:
    """Stand up to three things on the table, partly behind the subject."""
    for _ in range(rng.randint(0, 3)):
        back = rng.uniform(0.72, 0.95)
        if rng.random() < 0.5:
            thing = _some_product(stage.product, stage.scale * back, rng)
        else:
            thing = _some_thing(stage.backdrop, stage.scale * back / 2, rng)
        if rng.random() < 0.5:
            x = stage.left - thing.width * rng.uniform(0.5, 1.2)
        else:
            x = stage.right - thing.width * rng.uniform(-0.2, 0.5)
        foot = stage.backdrop.floor * stage.room.height - 6 - (1 - back) * 130
        put(stage.room, thing, (round(x), round(foot - thing.height)), 0.4, False)


def _strew(stage: Stage, rng: random.Random) -> None:
    """Lay up to three things anywhere, at any angle, mostly away from the middle."""
    room = stage.room
    for _ in range(rng.randint(0, 3)):
        if rng.random() < 0.5:
            thing = _some_product(stage.product, stage.scale, rng)
            thing = thing.rotate(rng.uniform(-180, 180), Image.Resampling.BILINEAR, expand=True)
        else:
            thing = _some_thing(stage.backdrop, stage.scale / 2, rng)
        angle, reach = rng.uniform(0, 2 * math.pi), rng.uniform(0.42, 0.62) * room.width
        x = room.width / 2 + reach * math.cos(angle) - thing.width / 2
        y = room.height / 2 + reach * math.sin(angle) - thing.height / 2
        put(room, thing, (round(x), round(y)), 0.2, True)


def add_foreground(photo: Image.Image, backdrop: Backdrop, scale: float, rng: random.Random) -> None:
    """Let something out of focus reach in from a side of the photo."""
    thing = ImageOps.expand(_some_thing(backdrop, scale, rng), 8).convert("RGBa")  # blurs without a dark rim
    thing = thing.filter(ImageFilter.BoxBlur(rng.uniform(2, 5))).convert("RGBA")
    seen = rng.uniform(0.35, 0.6) * thing.width
    x = seen - thing.width if rng.random() < 0.5 else photo.width - seen
    photo.paste(thing, (round(x), photo.height - round(thing.height * rng.uniform(0.45, 0.8))), thing)


def put(picture: Image.Image, thing: Image.Image, corner: tuple[int, int], light: float, lying: bool) -> None:
    """Paste a thing with its shadow; a lamp at the right (light 1) throws it to the left."""
    if lying:
        _shadow_under(picture, thing, corner, light)
    else:
        _shadow_behind(picture, thing, corner, light)
    picture.paste(thing, corner, thing)


def _paste_shadow(picture: Image.Image, mask: Image.Image, corner: tuple[int, int], darkness: float) -> None:
    """Darken the picture through a quarter-size mask whose top left corner is at `corner`."""
    mask = mask.point([round(level * darkness) for level in range(256)])
    picture.paste(SHADOW, corner, mask.resize((mask.width * 4, mask.height * 4), Image.Resampling.BILINEAR))


def _shadow_under(picture: Image.Image, thing: Image.Image, corner: tuple[int, int], light: float) -> None:
    outline, pad = thing.getchannel("A").reduce(4), 10
    mask = Image.new("L", (outline.width + 2 * pad, outline.height + 2 * pad))
    mask.paste(outline, (pad, pad))
    mask = mask.filter(ImageFilter.GaussianBlur(2.5))
    _paste_shadow(picture, mask, (round(corner[0] - 4 * pad - light * 14), corner[1] - 4 * pad + 8), 0.6)


def _shadow_behind(picture: Image.Image, thing: Image.Image, corner: tuple[int, int], light: float) -> None:
    """A long soft shadow that leans away from the lamp, and a dark short one where the thing stands."""
    outline = thing.getchannel("A").reduce(4)
    pad, foot = 8, corner[1] + thing.height
    low = outline.resize((outline.width, max(2, outline.height * 2 // 5)))
    lean = light * 1.3
    margin = pad + math.ceil(abs(lean) * low.height)
    mask = Image.new("L", (low.width + 2 * margin, low.height + 2 * pad))
    mask.paste(low, (margin, pad))
    mask = mask.transform(mask.size, Image.Transform.AFFINE, (1, -lean, lean * (pad + low.height), 0, 1, 0))
    mask = mask.filter(ImageFilter.GaussianBlur(2.5))
    _paste_shadow(picture, mask, (corner[0] - 4 * margin, foot - 4 * (low.height + pad) - 4), 0.45)
    rise = max(4, outline.height // 4)
    contact = Image.new("L", (outline.width + 2 * pad, rise + 2 * pad))
    ramp = Image.linear_gradient("L").resize((outline.width, rise))
    base = outline.crop((0, outline.height - rise, outline.width, outline.height))
    contact.paste(ImageChops.multiply(base, ramp), (pad, pad))
    contact = contact.filter(ImageFilter.GaussianBlur(1.2))
    _paste_shadow(picture, contact, (corner[0] - 4 * pad, foot - 4 * (rise + pad) + 7), 0.9)
