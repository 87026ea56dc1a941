"""The round packages: cans, jars and bottles, whose label runs round them.

Called by `catalog.demo.solids`; calls `packaging` for the labels and `projection` for the view. They are
drawn upright with shaded sides, and only then set before the camera.
"""

import math
import random
from functools import cache
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from catalog.demo import packaging
from catalog.demo.packaging import mix
from catalog.demo.products import DemoProduct
from catalog.demo.projection import Face, Pose, look_at, shaded


def round_light(size: tuple[int, int], light: float, gloss: float) -> Image.Image:
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
    for left, right in pairwise(edges):
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


def can(product: DemoProduct, pose: Pose) -> Image.Image:
    """Picture a tin can: label between two metal rims, and the lid as an ellipse."""
    diameter, rim = 290, 16
    sag = diameter / 2 * math.sin(max(0.06, pose.pitch))
    label = _wrapped(_label(product), diameter, pose.yaw, sag)
    picture = Image.new("RGBA", (diameter, round(label.height + 2 * rim + sag)))
    draw, edge, bottom = ImageDraw.Draw(picture), diameter - 1, picture.height - 1
    draw.rounded_rectangle((1, sag, edge - 1, bottom), radius=min(sag, 40) + 4, fill="#b9bcc0")
    draw.ellipse((0, bottom - 2 * sag - rim, edge, bottom), fill="#a7abb0")
    picture.alpha_composite(label, (0, round(sag + rim)))
    picture = shaded(picture, round_light(picture.size, pose.light, 0.16))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((0, 0, edge, 2 * sag + rim), fill="#d9dcdf")
    draw.ellipse((9, 6, edge - 9, 2 * sag + rim - 5), fill="#a4a8ad")
    draw.ellipse((16, 10, edge - 16, 2 * sag + rim - 5), fill="#c6cacd")
    return _upright(picture, pose)


def jar(product: DemoProduct, pose: Pose) -> Image.Image:
    """Picture a jar: glass with its content showing, a label round its belly, a screw lid."""
    look, width, height = product.look, 290, 360
    sag = max(0.0, width / 2 * math.sin(pose.pitch) * 0.6)
    picture = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(picture)
    glass = mix(look.content, "#ffffff", 0.35)
    draw.rounded_rectangle((0, 58, width - 1, height - 1), radius=46, fill=glass)
    draw.rounded_rectangle((7, 74, width - 8, height - 10), radius=40, fill=look.content)
    seeds = random.Random(product.sku)
    for _ in range(60):
        x, y = seeds.uniform(16, width - 16), seeds.uniform(84, height - 20)
        r = seeds.uniform(2, 7)
        speck = mix(look.content, seeds.choice(("#000000", "#ffffff")), 0.12)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=speck)
    picture.alpha_composite(_wrapped(_label(product), width, pose.yaw, sag), (0, 104))
    picture = shaded(picture, round_light(picture.size, pose.light, 0.22))
    picture.alpha_composite(_lid(width - 30, max(3.0, min(sag, 24.0)), look.band, pose.light), (15, 0))
    return _upright(picture, pose)


def _lid(width: int, tilt: float, colour: str, light: float) -> Image.Image:
    """A screw lid seen from `tilt` pixels above its edge."""
    lid, edge = Image.new("RGBA", (width, 90)), width - 1
    draw = ImageDraw.Draw(lid)
    draw.ellipse((0, 88 - 2 * tilt, edge, 89), fill=colour)
    draw.rectangle((0, tilt, edge, 88 - tilt), fill=colour)
    lid = shaded(lid, round_light(lid.size, light, 0.2))
    draw = ImageDraw.Draw(lid)
    draw.ellipse((0, 0, edge, 2 * tilt + 6), fill=mix(colour, "#ffffff", 0.22))
    draw.ellipse((10, 3, edge - 10, 2 * tilt + 2), fill=mix(colour, "#ffffff", 0.1))
    return lid


def bottle(product: DemoProduct, pose: Pose) -> Image.Image:
    """Picture a squeeze bottle with a waist, a cap and a nozzle."""
    look, width, height = product.look, 220, 540
    picture = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(picture)
    right = [(150, 110), (160, 150), (200, 200), (219, 260), (208, 350), (219, 440), (216, 525), (204, 539)]
    draw.polygon(right + [(width - x, y) for x, y in reversed(right)], fill=look.content)
    draw.rectangle((80, 30, 140, 112), fill=look.band)
    draw.rounded_rectangle((68, 60, 152, 118), radius=8, fill=mix(look.band, "#000000", 0.15))
    draw.rounded_rectangle((88, 0, 132, 40), radius=10, fill=look.accent)
    outline = picture.getchannel("A").filter(ImageFilter.GaussianBlur(1))
    sag = max(0.0, 10 * math.sin(pose.pitch))
    picture.alpha_composite(_wrapped(_label(product), width - 12, pose.yaw, sag), (6, 232))
    picture.putalpha(outline)  # the label ends where the bottle does
    return _upright(shaded(picture, round_light(picture.size, pose.light, 0.25)), pose)
