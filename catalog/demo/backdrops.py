"""Empty sets for a photo: a table before a wall, a shelf, a counter seen from above.

Called by `catalog.demo.scenes`; calls `surfaces` for textures and `projection` to lay them in depth. Sets are
drawn at half size: enlarged, they look a little out of focus, as a background does.
"""

import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from catalog.demo import surfaces
from catalog.demo.packaging import font
from catalog.demo.projection import warped


@dataclass(frozen=True)
class Backdrop:
    """An empty set. Heights are shares of the picture's height, from the top."""

    picture: Image.Image
    floor: float  # where things stand; middle of the picture where they lie
    lying: bool  # seen from above: things lie, at any angle
    crowded: bool  # things stand side by side, as on a shelf
    lens_blur: float  # in pixels of the half-size picture


def table(size: surfaces.Size, rng: random.Random) -> Backdrop:
    """A table top that runs to an edge, and a wall or a room behind it."""
    width, height = size
    wall = rng.choice((surfaces.paint, surfaces.tiles, surfaces.shop_lights, surfaces.wood, surfaces.paint))
    top = rng.choice((surfaces.wood, surfaces.stone, surfaces.marble, surfaces.gingham, surfaces.wood))
    edge = round(height * rng.uniform(0.4, 0.66))
    picture = wall(size, rng)
    near = 1.04 * height
    corners = [(-0.12 * width, edge), (1.12 * width, edge), (2.0 * width, near), (-width, near)]
    surface, (x, y) = warped(top(size, rng), corners, size)
    picture.paste(surface, (x, y), surface)
    shade = Image.new("L", (1, 4))
    shade.putdata([0, 0, 90, 0])
    band = shade.resize((width, 36), Image.Resampling.BICUBIC)
    picture.paste((20, 16, 14), (0, edge - 26), band)
    floor = rng.uniform(max(0.8, edge / height + 0.2), 0.93)
    return Backdrop(picture, floor, False, False, rng.uniform(0.6, 3.2))


def shelf(size: surfaces.Size, rng: random.Random) -> Backdrop:
    """A shop shelf: a dim back, a board, and a rail with price labels under it."""
    width, height = size
    dark, light = rng.choice((("#5d5c60", "#a09c96"), ("#8d8982", "#d2cdc4")))
    picture = surfaces.tinted(surfaces.noise(size, (4, 4), rng), dark, light)
    draw = ImageDraw.Draw(picture, "RGBA")
    for x in range(rng.randrange(14), width, 14):
        draw.line((x, 0, x, height), fill=(0, 0, 0, 40))
    for y in range(-20, height // 3, 4):
        draw.rectangle((0, y, width, y + 4), fill=(0, 0, 0, max(0, 100 - y)))
    board = round(height * rng.uniform(0.78, 0.84))
    metal = surfaces.wood if rng.random() < 0.4 else surfaces.stone
    picture.paste(metal((width, height), rng).crop((0, 0, width, height - board)), (0, board))
    rail = board + rng.randint(20, 26)
    draw.rectangle((0, rail, width, height), fill=rng.choice(("#d8d8d6", "#f0efe9", "#b33a32", "#3a5f8c")))
    draw.line((0, rail, width, rail), fill=(255, 255, 255, 130), width=2)
    x = rng.randint(-30, 10)
    while x < width:
        draw.rectangle((x, rail + 5, x + 44, rail + 27), fill="#fbfaf4")
        draw.line((x + 5, rail + 9, x + 26, rail + 9), fill="#77736c", width=2)
        price = f"{rng.randint(0, 5)}.{rng.randint(1, 9)}9"
        draw.text((x + 40, rail + 25), price, fill="#26231f", font=font(15), anchor="rs")
        x += rng.randint(70, 120)
    return Backdrop(picture, (board + 14) / height, False, True, rng.uniform(0.6, 1.6))


def from_above(size: surfaces.Size, rng: random.Random) -> Backdrop:
    """A counter, a cloth or an open delivery box, looked down upon."""
    ground = rng.choice(
        (surfaces.wood, surfaces.linen, surfaces.gingham, surfaces.marble, surfaces.stone, surfaces.kraft)
    )
    picture = ground(size, rng)
    if rng.random() < 0.4:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    return Backdrop(picture, 0.5, True, False, rng.uniform(0.2, 0.9))


def in_focus(backdrop: Backdrop, picture: Image.Image, size: surfaces.Size) -> Image.Image:
    """Blur a half-size set as its lens does, and enlarge it to the photo's size."""
    blur = backdrop.lens_blur
    if blur > 1.2:  # a quarter of the pixels show as much, and cost a quarter
        picture, blur = picture.reduce(2), blur / 2
    return picture.filter(ImageFilter.GaussianBlur(blur)).resize(size, Image.Resampling.BILINEAR)
