"""Folds the printed artwork into packages one can look at: boxes, cartons, cans, jars, bottles and bags.

Called by `catalog.demo.scenes` through `stand`; calls `packaging` for the artwork and `projection` for the
view.
"""

import math
import random
from collections.abc import Callable
from functools import cache

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from catalog.demo import packaging
from catalog.demo.packaging import mix
from catalog.demo.products import DemoProduct
from catalog.demo.projection import Face, Pose, look_at, shaded

# How high a package comes out in a 640 pixel photo that is taken from near.
NEAR_HEIGHT = {
    "carton": 430, "box": 430, "bar": 190, "tin": 330, "can": 360, "jar": 340, "bottle": 450, "bag": 400,
    "pouch": 410,
}  # fmt: skip
DEPTH = {"carton": 250, "box": 110, "bar": 30, "tin": 200}


def _box_faces(product: DemoProduct, width: float, height: float, depth: float) -> list[Face]:
    """Front, both sides, top: what a camera that is not below the product can see."""
    x, y, z = width / 2, height / 2, depth / 2
    side = packaging.side(product)
    lid = Image.new("RGB", (round(width), round(depth)), mix(product.look.base, "#ffffff", 0.12))
    ImageDraw.Draw(lid).line((0, depth / 2, width, depth / 2), fill=mix(product.look.base, "#000000", 0.2))
    return [
        Face(packaging.front(product), ((-x, -y, z), (x, -y, z), (x, y, z), (-x, y, z))),
        Face(side, ((x, -y, z), (x, -y, -z), (x, y, -z), (x, y, z))),
        Face(side, ((-x, -y, -z), (-x, -y, z), (-x, y, z), (-x, y, -z))),
        Face(lid, ((-x, -y, -z), (x, -y, -z), (x, -y, z), (-x, -y, z))),
    ]


def _box(product: DemoProduct, pose: Pose, rng: random.Random) -> Image.Image:
    width, height = packaging.FRONT_SIZE[product.look.package]
    return look_at(_box_faces(product, width, height, DEPTH[product.look.package]), pose, height)


def _carton(product: DemoProduct, pose: Pose, rng: random.Random) -> Image.Image:
    """A milk carton: a box whose roof leans to a ridge with a fin on it."""
    width, height = packaging.FRONT_SIZE["carton"]
    depth, roof, fin = DEPTH["carton"], 90, 34
    x, y, z = width / 2, height / 2, depth / 2
    ridge = -y - roof
    slope = Image.new("RGB", (width, 120), mix(product.look.band, "#ffffff", 0.1))
    gable = Image.new("RGBA", (depth, 120))
    ImageDraw.Draw(gable).polygon(
        [(0, 120), (depth / 2, 0), (depth, 120)], fill=mix(product.look.band, "#000000", 0.15)
    )
    seal = Image.new("RGB", (width, 40), mix(product.look.base, "#ffffff", 0.4))
    ImageDraw.Draw(seal).line((0, 14, width, 14), fill=mix(product.look.base, "#000000", 0.25), width=2)
    faces = _box_faces(product, width, height, depth)[:3] + [
        Face(gable, ((x - 8, ridge, z), (x - 8, ridge, -z), (x, -y, -z), (x, -y, z))),
        Face(gable, ((8 - x, ridge, -z), (8 - x, ridge, z), (-x, -y, z), (-x, -y, -z))),
        Face(slope, ((-x, ridge, 2), (x, ridge, 2), (x, -y, z), (-x, -y, z))),
        Face(seal, ((-x, ridge - fin, 3), (x, ridge - fin, 3), (x, ridge, 3), (-x, ridge, 3))),
    ]
    return look_at(faces, pose, height + roof + fin)


def _round_light(size: tuple[int, int], light: float, gloss: float) -> Image.Image:
    """An L mask: how light falls on an upright cylinder, with a brighter stripe for gloss."""
    row = bytearray()
    for step in range(64):
        angle = math.asin((step + 0.5) / 32 - 1)
        level = 0.42 + 0.5 * max(0.0, math.cos(angle - light * 0.8))
        level += gloss * math.exp(-(((angle - light * 0.7) / 0.12) ** 2))
        row.append(min(255, round(255 * level)))
    return Image.frombytes("L", (64, 1), bytes(row)).resize(size, Image.Resampling.BILINEAR)


def _wrapped(label: Image.Image, diameter: int, yaw: float, sag: float) -> Image.Image:
    """Wrap a flat label round a cylinder: its middle faces the camera at yaw 0, its bands sag by `sag`."""
    radius, strips = diameter / 2, 20
    label = ImageOps.expand(label.convert("RGBA"), border=(0, 1, 0, 1))
    mesh = []
    edges = [round(diameter * strip / strips) for strip in range(strips + 1)]
    for left, right in zip(edges[:-1], edges[1:], strict=True):
        angles = [math.asin(max(-1.0, min(1.0, edge / radius - 1))) for edge in (left, right)]
        (u0, v0), (u1, v1) = (
            (label.width / 2 + radius * (angle - yaw), -sag * math.cos(angle)) for angle in angles
        )
        height = label.height + sag
        mesh.append(((left, 0, right, round(height)), (u0, v0, u0, v0 + height, u1, v1 + height, u1, v1)))
    size = (diameter, round(label.height + sag))
    return label.transform(size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


@cache
def _label(product: DemoProduct) -> Image.Image:
    """Front with a side panel on each side, as it runs round a can."""
    front, side = packaging.front(product), packaging.side(product)
    label = Image.new("RGB", (front.width + 2 * side.width, front.height))
    for x, part in ((0, side), (side.width, front), (side.width + front.width, side)):
        label.paste(part, (x, 0))
    return label


def _upright(picture: Image.Image, pose: Pose) -> Image.Image:
    """Set a finished picture of a round thing before the camera: tilt and distance only, no turning."""
    x, y = picture.width / 2, picture.height / 2
    face = Face(picture, ((-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)))
    return look_at([face], Pose(pose.height, 0, pose.pitch * 0.35, pose.roll, pose.light), picture.height)


def _can(product: DemoProduct, pose: Pose, rng: random.Random) -> Image.Image:
    diameter, rim = 290, 16
    sag = diameter / 2 * math.sin(max(0.06, pose.pitch))
    wrapped = _wrapped(_label(product), diameter, pose.yaw, sag)
    can = Image.new("RGBA", (diameter, round(wrapped.height + 2 * rim + sag)))
    draw = ImageDraw.Draw(can)
    bottom = can.height - 1
    draw.rounded_rectangle((1, sag, diameter - 2, bottom), radius=min(sag, 40) + 4, fill="#b9bcc0")
    draw.ellipse((0, bottom - 2 * sag - rim, diameter - 1, bottom), fill="#a7abb0")
    can.alpha_composite(wrapped, (0, round(sag + rim)))
    can = shaded(can, _round_light(can.size, pose.light, 0.16))
    draw = ImageDraw.Draw(can)
    draw.ellipse((0, 0, diameter - 1, 2 * sag + rim), fill="#d9dcdf")
    draw.ellipse((9, 6, diameter - 10, 2 * sag + rim - 5), fill="#a4a8ad")
    draw.ellipse((16, 10, diameter - 17, 2 * sag + rim - 5), fill="#c6cacd")
    return _upright(can, pose)


def _jar(product: DemoProduct, pose: Pose, rng: random.Random) -> Image.Image:
    look, width, height = product.look, 290, 360
    sag = width / 2 * math.sin(pose.pitch) * 0.6
    jar = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(jar)
    draw.rounded_rectangle((0, 58, width - 1, height - 1), radius=46, fill=mix(look.content, "#ffffff", 0.35))
    draw.rounded_rectangle((7, 74, width - 8, height - 10), radius=40, fill=look.content)
    seeds = random.Random(product.sku)
    for _ in range(60):
        x, y = seeds.uniform(16, width - 16), seeds.uniform(84, height - 20)
        r = seeds.uniform(2, 7)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=mix(look.content, seeds.choice(("#000000", "#ffffff")), 0.12))
    jar.alpha_composite(_wrapped(_label(product), width, pose.yaw, sag), (0, 104))
    jar = shaded(jar, _round_light(jar.size, pose.light, 0.22))
    lid = Image.new("RGBA", (width - 30, 90))
    draw, tilt, edge = ImageDraw.Draw(lid), max(3.0, min(sag, 24.0)), width - 31
    draw.ellipse((0, 88 - 2 * tilt, edge, 89), fill=look.band)
    draw.rectangle((0, tilt, edge, 88 - tilt), fill=look.band)
    lid = shaded(lid, _round_light(lid.size, pose.light, 0.2))
    draw = ImageDraw.Draw(lid)
    draw.ellipse((0, 0, edge, 2 * tilt + 6), fill=mix(look.band, "#ffffff", 0.22))
    draw.ellipse((10, 3, edge - 10, 2 * tilt + 2), fill=mix(look.band, "#ffffff", 0.1))
    jar.alpha_composite(lid, (15, 0))
    return _upright(jar, pose)


def _bottle(product: DemoProduct, pose: Pose, rng: random.Random) -> Image.Image:
    look, width, height = product.look, 220, 540
    bottle = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(bottle)
    outline = [(70, 110), (150, 110), (160, 150), (200, 200), (219, 260), (208, 350), (219, 440), (216, 525),
               (204, 539), (16, 539), (4, 525), (1, 440), (12, 350), (1, 260), (20, 200), (60, 150)]  # fmt: skip
    draw.polygon(outline, fill=look.content)
    draw.rectangle((80, 30, 140, 112), fill=look.band)
    draw.rounded_rectangle((68, 60, 152, 118), radius=8, fill=mix(look.band, "#000000", 0.15))
    draw.rounded_rectangle((88, 0, 132, 40), radius=10, fill=look.accent)
    bottle.alpha_composite(_wrapped(_label(product), width - 12, pose.yaw, 10 * math.sin(pose.pitch)), (6, 232))
    edges = bottle.getchannel("A").filter(ImageFilter.GaussianBlur(1))
    bottle.putalpha(edges)
    return _upright(shaded(bottle, _round_light(bottle.size, pose.light, 0.25)), pose)


def _crumpled(picture: Image.Image, rng: random.Random, strength: float) -> Image.Image:
    """Push a picture about on a coarse grid and lay soft folds of shade over it."""
    columns, rows = 5, 6
    points = {}
    for row in range(rows + 1):
        for column in range(columns + 1):
            push = [rng.uniform(-strength, strength) for _ in "xy"]
            points[column, row] = (picture.width * column / columns + push[0], picture.height * row / rows + push[1])
    mesh = []
    for row in range(rows):
        for column in range(columns):
            box = (picture.width * column // columns, picture.height * row // rows,
                   picture.width * (column + 1) // columns, picture.height * (row + 1) // rows)  # fmt: skip
            around = (points[column, row], points[column, row + 1], points[column + 1, row + 1], points[column + 1, row])
            mesh.append((box, tuple(number for point in around for number in point)))
    pushed = picture.transform(picture.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    folds = Image.frombytes("L", (7, 9), bytes(rng.randint(200, 255) for _ in range(63)))
    return shaded(pushed, folds.resize(picture.size, Image.Resampling.BICUBIC))


@cache
def _soft_outline(size: tuple[int, int], waist: float, crimp: int) -> Image.Image:
    """An L mask of a filled bag: sides that swell, ends that are pressed flat and cut in a zigzag."""
    width, height = size
    left = []
    for step in range(41):
        along = step / 40
        swell = waist * math.sin(math.pi * min(1.0, max(0.0, (along - 0.08) / 0.84)))
        left.append((width * (0.5 - 0.46 - swell * 0.04 + (0.02 if 0.05 < along < 0.95 else 0)), along * (height - 1)))
    teeth = [(left[0][0] + (width - 2 * left[0][0]) * t / 40, crimp * (t % 2)) for t in range(41)]
    right = [(width - x, y) for x, y in left]
    foot = [(x, height - 1 - y) for x, y in reversed(teeth)]
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon(teeth + right + foot + left[::-1], fill=255)
    return mask


def _bag(product: DemoProduct, pose: Pose, rng: random.Random) -> Image.Image:
    """A crisps bag or a coffee pouch: one crumpled face."""
    kind = product.look.package
    picture = packaging.front(product).copy()
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    for y in (*range(4, 26, 6), *range(height - 26, height - 2, 6)):
        draw.line((0, y, width, y), fill=mix(product.look.base, "#ffffff", 0.35), width=2)
    picture.putalpha(_soft_outline(picture.size, 1.0, 5 if kind == "bag" else 0))
    picture = _crumpled(picture, rng, 9 if kind == "bag" else 5)
    picture = shaded(picture, _round_light(picture.size, pose.light * 0.4, 0.25))
    x, y = width / 2, height / 2
    face = Face(picture, ((-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)))
    return look_at([face], pose, height)


SOLIDS: dict[str, Callable[[DemoProduct, Pose, random.Random], Image.Image]] = {
    "carton": _carton, "box": _box, "bar": _box, "tin": _box, "can": _can, "jar": _jar, "bottle": _bottle,
    "bag": _bag, "pouch": _bag,
}  # fmt: skip


def stand(product: DemoProduct, pose: Pose, rng: random.Random) -> Image.Image:
    """Picture one package in a pose: RGBA, cut to what is visible. `rng` crumples the soft ones."""
    return SOLIDS[product.look.package](product, pose, rng)
