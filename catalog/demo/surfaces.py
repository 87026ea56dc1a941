"""Textures behind and below the products: wood, stone, cloth, tiles, paint.

Called by `catalog.demo.backdrops`; calls only Pillow. Every texture is an RGB picture made from the bytes
of the `random.Random` it is given, so the same generator state draws the same texture.
"""

import random

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageOps

Size = tuple[int, int]


def noise(size: Size, cells: Size, rng: random.Random) -> Image.Image:
    """Soft L noise: a coarse grid of random bytes, enlarged smoothly."""
    grid = Image.frombytes("L", cells, rng.randbytes(cells[0] * cells[1]))
    return grid if cells == size else grid.resize(size, Image.Resampling.BICUBIC)


def tinted(mask: Image.Image, dark: str, light: str) -> Image.Image:
    return ImageOps.colorize(mask, dark, light)


def wood(size: Size, rng: random.Random) -> Image.Image:
    """Planks that run across the picture, each with its own tone and grain."""
    width, height = size
    dark, light = rng.choice(
        (("#8a5a33", "#c9955f"), ("#b58a5c", "#e3c59a"), ("#4d3423", "#7f5a3c"), ("#a99a86", "#d9cdbb"))
    )
    grain = ImageChops.blend(noise(size, (4, height // 3), rng), noise(size, (9, height), rng), 0.4)
    grain = ImageChops.blend(grain, noise(size, (5, 5), rng), 0.3)
    picture = tinted(grain, dark, light)
    draw = ImageDraw.Draw(picture, "RGBA")
    step = rng.choice((40, 56, 80))
    for y in range(rng.randrange(step), height, step):
        draw.rectangle((0, y, width, y + step), fill=(0, 0, 0, rng.randint(0, 36)))
        draw.line((0, y, width, y), fill=(30, 15, 5, 150), width=2)
    return picture


def stone(size: Size, rng: random.Random) -> Image.Image:
    """Terrazzo or slate: fine specks on slow clouds."""
    dark, light = rng.choice(
        (("#b9b4ab", "#eeebe4"), ("#3d4248", "#71787f"), ("#8f8a86", "#c4bfb9"), ("#d6d3cf", "#fbfaf8"))
    )
    specks = noise(size, (size[0] // 2, size[1] // 2), rng).filter(ImageFilter.GaussianBlur(0.7))
    return tinted(ImageChops.blend(noise(size, (6, 6), rng), specks, 0.45), dark, light)


def marble(size: Size, rng: random.Random) -> Image.Image:
    """A pale ground with a few soft veins."""
    picture = tinted(noise(size, (5, 5), rng), "#dcdcdf", "#fbfafa")
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(7):
        x, y = rng.uniform(-40, size[0]), rng.uniform(-40, size[1])
        course, slope = [(x, y)], rng.uniform(0.3, 1.4)
        for _ in range(14):
            x, y = x + rng.uniform(5, 32), y + slope * rng.uniform(-4, 32)
            course.append((x, y))
        colour = (120, 122, 132, rng.randint(50, 130))
        draw.line(course, fill=colour, width=rng.choice((1, 2, 4)), joint="curve")
    return picture.filter(ImageFilter.GaussianBlur(1.3))


def gingham(size: Size, rng: random.Random) -> Image.Image:
    """A checked tablecloth with slow folds."""
    colour = ImageColor.getrgb(rng.choice(("#b5302f", "#2f5f9e", "#4c7f4a", "#c48a2c", "#6b6f78")))
    picture = Image.new("RGB", size, "#f6f3ec")
    draw = ImageDraw.Draw(picture, "RGBA")
    step = rng.choice((14, 20, 30))
    for start in range(0, max(size), 2 * step):
        draw.rectangle((start, 0, start + step - 1, size[1]), fill=(*colour, 110))
        draw.rectangle((0, start, size[0], start + step - 1), fill=(*colour, 110))
    return ImageChops.multiply(picture, tinted(noise(size, (5, 5), rng), "#c4c4c4", "#ffffff"))


def linen(size: Size, rng: random.Random) -> Image.Image:
    """Plain woven cloth in one colour."""
    light = rng.choice(("#e9e2d3", "#7d8c83", "#c98f7a", "#5a6a86", "#d8b86a", "#9a8fb0"))
    weave = ImageChops.blend(noise(size, (3, size[1]), rng), noise(size, (size[0], 3), rng), 0.5)
    cloth = tinted(ImageChops.blend(weave, noise(size, (5, 5), rng), 0.4), "#8c8c8c", "#ffffff")
    return ImageChops.multiply(Image.new("RGB", size, light), cloth)


def paint(size: Size, rng: random.Random) -> Image.Image:
    """A painted wall: one colour, lighter towards one side."""
    red, green, blue = ImageColor.getrgb(
        rng.choice(("#e8e2d6", "#c7d3d8", "#d9c3b0", "#8fa39a", "#b9b6c9", "#e7d28f", "#6f7f8c", "#d6988a"))
    )
    light, dark = (f"#{int(red * f):02x}{int(green * f):02x}{int(blue * f):02x}" for f in (1.0, 0.72))
    return tinted(noise(size, (3, 3), rng), dark, light)


def tiles(size: Size, rng: random.Random) -> Image.Image:
    """Kitchen tiles with joints; every tile a little different."""
    red, green, blue = ImageColor.getrgb(rng.choice(("#f0efe9", "#cfe0df", "#9fbcc4", "#e5d5bd", "#8aa58d")))
    picture = Image.new("RGB", size, "#c9c5bd")
    draw = ImageDraw.Draw(picture)
    wide, high = rng.choice(((32, 32), (52, 26), (46, 46)))
    for row, y in enumerate(range(0, size[1], high)):
        for x in range(-wide * (row % 2) // 2, size[0], wide):
            tone = rng.uniform(0.9, 1.0)
            fill = (int(red * tone), int(green * tone), int(blue * tone))
            draw.rectangle((x + 1, y + 1, x + wide - 1, y + high - 1), fill=fill)
    return picture


def kraft(size: Size, rng: random.Random) -> Image.Image:
    """The inside of a delivery box: brown card with a faint corrugation."""
    fibres = ImageChops.blend(noise(size, (size[0] // 2, 8), rng), noise(size, (7, 7), rng), 0.5)
    return tinted(fibres, "#a57f55", "#d3b083")


def shop_lights(size: Size, rng: random.Random) -> Image.Image:
    """A room far out of focus: dim colours and round blots of light."""
    picture = tinted(noise(size, (5, 5), rng), "#2b2a33", "#857b72")
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(rng.randint(8, 16)):
        x, y, r = rng.uniform(0, size[0]), rng.uniform(0, size[1] * 0.7), rng.uniform(6, 24)
        colour = ImageColor.getrgb(rng.choice(("#ffe2aa", "#ffbe78", "#c8dcff", "#f0785a", "#96d2a0")))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(*colour, rng.randint(50, 130)))
    return picture.filter(ImageFilter.GaussianBlur(4))
