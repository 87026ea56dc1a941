"""Folds the printed artwork into packages one can look at: boxes, cartons, bags.

Called by `catalog.demo.scenes` and `staging` through `stand`; calls `cylinders` for cans, jars and bottles,
`packaging` for the artwork and `projection` for the view.
"""

import math
import random
from collections.abc import Callable
from functools import cache

from PIL import Image, ImageDraw

from catalog.demo import cylinders, packaging
from catalog.demo.cylinders import round_light
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


def _box(product: DemoProduct, pose: Pose) -> Image.Image:
    width, height = packaging.FRONT_SIZE[product.look.package]
    return look_at(_box_faces(product, width, height, DEPTH[product.look.package]), pose, height)


def _carton(product: DemoProduct, pose: Pose) -> Image.Image:
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
    faces = [
        *_box_faces(product, width, height, depth)[:3],
        Face(gable, ((x - 8, ridge, z), (x - 8, ridge, -z), (x, -y, -z), (x, -y, z))),
        Face(gable, ((8 - x, ridge, -z), (8 - x, ridge, z), (-x, -y, z), (-x, -y, -z))),
        Face(slope, ((-x, ridge, 2), (x, ridge, 2), (x, -y, z), (-x, -y, z))),
        Face(seal, ((-x, ridge - fin, 3), (x, ridge - fin, 3), (x, ridge, 3), (-x, ridge, 3))),
    ]
    return look_at(faces, pose, height + roof + fin)


def _crumpled(picture: Image.Image, rng: random.Random, strength: float) -> Image.Image:
    """Push a picture about on a coarse grid and lay soft folds of shade over it."""
    columns, rows = 5, 6
    xs = [picture.width * column // columns for column in range(columns + 1)]
    ys = [picture.height * row // rows for row in range(rows + 1)]
    pushed = [
        [(x + rng.uniform(-strength, strength), y + rng.uniform(-strength, strength)) for x in xs] for y in ys
    ]
    mesh = []
    for row in range(rows):
        for column in range(columns):
            box = (xs[column], ys[row], xs[column + 1], ys[row + 1])
            above, below = pushed[row], pushed[row + 1]
            mesh.append((box, (*above[column], *below[column], *below[column + 1], *above[column + 1])))
    creased = picture.transform(picture.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    folds = Image.frombytes("L", (7, 9), bytes(rng.randint(200, 255) for _ in range(63)))
    return shaded(creased, folds.resize(picture.size, Image.Resampling.BICUBIC))


@cache
def _soft_outline(size: tuple[int, int], tooth: int) -> Image.Image:
    """An L mask of a filled bag: sides that swell, ends pressed flat and cut in teeth of a few pixels."""
    width, height = size
    left = []
    for step in range(41):
        along = step / 40
        swell = math.sin(math.pi * min(1.0, max(0.0, (along - 0.08) / 0.84)))
        inset = 0.04 - 0.04 * swell + (0.02 if 0.05 < along < 0.95 else 0.0)
        left.append((width * inset, along * (height - 1)))
    start = left[0][0]
    top = [(start + (width - 2 * start) * step / 40, tooth * (step % 2)) for step in range(41)]
    right = [(width - x, y) for x, y in left]
    foot = [(x, height - 1 - y) for x, y in reversed(top)]
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon(top + right + foot + left[::-1], fill=255)
    return mask


def _bag(product: DemoProduct, pose: Pose, rng: random.Random) -> Image.Image:
    """A crisps bag or a coffee pouch: one crumpled face."""
    kind = product.look.package
    picture = packaging.front(product).copy()
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    for y in (*range(4, 26, 6), *range(height - 26, height - 2, 6)):
        draw.line((0, y, width, y), fill=mix(product.look.base, "#ffffff", 0.35), width=2)
    picture.putalpha(_soft_outline(picture.size, 5 if kind == "bag" else 0))
    picture = _crumpled(picture, rng, 9 if kind == "bag" else 5)
    picture = shaded(picture, round_light(picture.size, pose.light * 0.4, 0.25))
    x, y = width / 2, height / 2
    face = Face(picture, ((-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)))
    return look_at([face], pose, height)


RIGID: dict[str, Callable[[DemoProduct, Pose], Image.Image]] = {
    "carton": _carton, "box": _box, "bar": _box, "tin": _box,
    "can": cylinders.can, "jar": cylinders.jar, "bottle": cylinders.bottle,
}  # fmt: skip


def stand(product: DemoProduct, pose: Pose, rng: random.Random) -> Image.Image:
    """Picture one package in a pose: RGBA, cut to what is visible. `rng` crumples bags and pouches."""
    if product.look.package in RIGID:
        return RIGID[product.look.package](product, pose)
    return _bag(product, pose, rng)
