"""What light and a cheap camera do to a picture: lamps, colour casts, blur, grain, JPEG.

Called by `catalog.demo.scenes`; calls only Pillow.
"""

import io
import random

from PIL import Image, ImageChops, ImageFilter

# Gains on red, green and blue: a bulb, daylight, shade, a tube, evening sun.
CASTS = ((1.0, 0.93, 0.8), (1.0, 1.0, 1.0), (0.92, 0.97, 1.0), (0.95, 1.0, 0.93), (1.0, 0.9, 0.86))


def lit(picture: Image.Image, light: float, rng: random.Random) -> Image.Image:
    """Light a picture from one side (-1 left, 1 right) in a random colour and strength."""
    cast = rng.choice(CASTS)
    strength, exposure = rng.uniform(0.08, 0.45), rng.uniform(1.0, 1.42)
    ramp = Image.linear_gradient("L").rotate(90 * light + rng.uniform(-30, 30), Image.Resampling.BILINEAR)
    ramp = ramp.crop((48, 48, 208, 208)).resize(picture.size, Image.Resampling.BILINEAR)
    bands = []
    for band, gain in zip(picture.split(), cast, strict=True):
        gain *= rng.uniform(0.96, 1.04)
        shade = ramp.point([round(255 * gain * (1 - strength * level / 255)) for level in range(256)])
        bands.append(ImageChops.multiply(band, shade))
    exposed = Image.merge("RGB", bands).point([min(255, round(exposure * level)) for level in range(256)] * 3)
    return _glare(exposed, rng) if rng.random() < 0.25 else exposed


def _glare(picture: Image.Image, rng: random.Random) -> Image.Image:
    """A lamp's soft reflection somewhere in the picture."""
    reach = round(picture.width * rng.uniform(0.3, 0.8))
    spot = Image.radial_gradient("L").point([max(0, 130 - level) for level in range(256)])
    spot = spot.resize((reach, reach), Image.Resampling.BILINEAR)
    glow = Image.new("L", picture.size)
    glow.paste(spot, (rng.randint(-reach // 2, picture.width), rng.randint(-reach // 2, picture.height // 2)))
    return ImageChops.screen(picture, Image.merge("RGB", (glow, glow, glow)))


def _shaken(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Blur as from a hand that moved: the mean of a few shifted copies."""
    across, down = rng.choice(((1, 0), (0, 1), (1, 1), (1, -1)))
    reach = rng.randint(2, 4)
    moved = picture
    for step in range(1, reach + 1):
        shifted = ImageChops.offset(picture, across * step, down * step)
        moved = Image.blend(moved, shifted, 1 / (step + 1))
    return moved


def taken(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Take the picture with a phone: imperfect focus, a little shake, grain, JPEG blocks."""
    focus = rng.choice((0, 0, 0, 0.5, 0.9, 1.4))
    if focus:
        picture = picture.filter(ImageFilter.BoxBlur(focus))
    if rng.random() < 0.25:
        picture = _shaken(picture, rng)
    width, height = picture.size
    grain = Image.frombytes("L", (width // 2, height // 2), rng.randbytes(width * height // 4))
    grain = grain.resize(picture.size, Image.Resampling.BILINEAR)
    depth = rng.uniform(0.008, 0.045)
    grain = grain.point([round(128 + (level - 128) * depth * 2) for level in range(256)])
    picture = ImageChops.add(picture, Image.merge("RGB", (grain, grain, grain)), 1, -128)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=rng.randint(55, 90))
    return Image.open(file).convert("RGB")
