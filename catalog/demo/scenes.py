"""Photographs of the demo products, as a shop's staff would take them with a phone.

Called by the management command `demo_catalogue`; calls `backdrops` for an empty set, `solids` for the
product, `staging` for what stands around it and `exposure` for light and camera.
"""

import random

from PIL import Image

from catalog.demo import backdrops, exposure, staging
from catalog.demo.backdrops import Backdrop
from catalog.demo.products import DemoProduct
from catalog.demo.projection import Pose
from catalog.demo.solids import NEAR_HEIGHT, stand
from catalog.demo.staging import Stage

PHOTO_SIZE = (640, 640)
HALF_SIZE = (320, 320)


def draw_photo(product: DemoProduct, seed: int) -> Image.Image:
    """Draw one photo of a product: RGB, `PHOTO_SIZE`.

    Repeatable: the same product and seed give the same pixels, with the same version of Pillow.
    """
    rng = random.Random(f"{product.sku}:{seed}")
    make_backdrop = rng.choices((backdrops.table, backdrops.shelf, backdrops.from_above), (5, 2, 3))[0]
    backdrop = make_backdrop(HALF_SIZE, rng)
    scale, light = rng.uniform(0.95, 1.4), rng.uniform(-1, 1)
    subject = stand(product, _pose(product, backdrop, scale, light, rng), rng)
    x, y = _place(subject, backdrop, rng)
    room = backdrop.picture.copy()
    stage = Stage(room, backdrop, product, scale, left=x // 2, right=(x + subject.width) // 2)
    staging.add_neighbours(stage, rng)
    photo = backdrops.in_focus(backdrop, room, PHOTO_SIZE)
    staging.put(photo, subject, (x, y), light, backdrop.lying)
    if rng.random() < 0.35:
        staging.add_foreground(photo, backdrop, scale, rng)
    return exposure.taken(exposure.lit(photo, light, rng), rng)


def _pose(product: DemoProduct, backdrop: Backdrop, scale: float, light: float, rng: random.Random) -> Pose:
    height = NEAR_HEIGHT[product.look.package] * scale
    if backdrop.lying:
        turn = rng.gauss(0, 0.3) if rng.random() < 0.9 else rng.uniform(-3.1, 3.1)
        return Pose(height, rng.uniform(-0.3, 0.3), rng.uniform(-0.1, 0.1), turn, light)
    # A label that goes round is turned away sooner than a flat front; nobody photographs a back.
    spread = 0.28 if product.look.package in ("can", "jar", "bottle") else 0.4
    yaw = max(-2 * spread, min(2 * spread, rng.gauss(0, spread)))
    return Pose(height, yaw, rng.uniform(0.02, 0.4), rng.gauss(0, 0.06), light)


def _place(subject: Image.Image, backdrop: Backdrop, rng: random.Random) -> tuple[int, int]:
    """Choose where the subject's top left corner goes; a part of it may fall outside the photo."""
    width, height = PHOTO_SIZE
    x = (width - subject.width) / 2 + rng.gauss(0, 40)
    if backdrop.lying:
        return round(x), round((height - subject.height) / 2 + rng.gauss(0, 35))
    return round(x), round(backdrop.floor * height - subject.height + rng.uniform(-8, 12))
