"""Looks at flat pictures in space: turns corners, projects them and warps each face into place.

Called by `catalog.demo.solids`; calls only Pillow. Coordinates: x right, y down, z towards the camera, the
object's middle at the origin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageOps

Point = tuple[float, float]
Size = tuple[int, int]
Corner = tuple[float, float, float]
CAMERA_DISTANCE = 3.2  # in the object's greatest length: near enough for lines to converge as on a phone


@dataclass(frozen=True)
class Pose:
    """How an object stands before the camera. Angles in radians."""

    height: float  # pixels the object's own height becomes
    yaw: float = 0.0  # turned about its upright axis
    pitch: float = 0.0  # seen from above
    roll: float = 0.0  # tilted in the picture
    light: float = 0.0  # where the lamp is: -1 left, 1 right


@dataclass(frozen=True)
class Face:
    """A flat picture and the four corners (from top left, clockwise) that it is spanned between."""

    picture: Image.Image
    corners: tuple[Corner, Corner, Corner, Corner]


def turned(corner: Corner, pose: Pose) -> Corner:
    """Rotate a corner by yaw, then pitch, then roll."""
    x, y, z = corner
    sin, cos = math.sin(pose.yaw), math.cos(pose.yaw)
    x, z = x * cos + z * sin, z * cos - x * sin
    sin, cos = math.sin(pose.pitch), math.cos(pose.pitch)
    y, z = y * cos + z * sin, z * cos - y * sin
    sin, cos = math.sin(pose.roll), math.cos(pose.roll)
    return x * cos - y * sin, x * sin + y * cos, z


def shaded(picture: Image.Image, brightness: float | Image.Image) -> Image.Image:
    """Darken an RGB or RGBA picture by a factor or by an L mask; its transparency stays."""
    *colours, alpha = picture.split() if picture.mode == "RGBA" else (*picture.split(), None)
    if isinstance(brightness, Image.Image):
        colours = [ImageChops.multiply(band, brightness) for band in colours]
    else:
        darker = [round(level * brightness) for level in range(256)]
        colours = [band.point(darker) for band in colours]
    return Image.merge(picture.mode, colours if alpha is None else [*colours, alpha])


def _quad_coefficients(size: tuple[int, int], quad: Sequence[Point]) -> tuple[float, ...]:
    """Find Pillow's eight numbers that take a point of the quad back to a picture of `size`.

    Source: Heckbert, Fundamentals of Texture Mapping and Image Warping (1989), unit square to quad,
    inverted.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
    sum_x, sum_y = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    below = (x1 - x2) * (y3 - y2) - (x3 - x2) * (y1 - y2)
    g = (sum_x * (y3 - y2) - (x3 - x2) * sum_y) / below
    h = ((x1 - x2) * sum_y - sum_x * (y1 - y2)) / below
    a, b, c = x1 - x0 + g * x1, x3 - x0 + h * x3, x0
    d, e, f = y1 - y0 + g * y1, y3 - y0 + h * y3, y0
    whole = a * e - b * d
    width, height = size
    return (
        width * (e - f * h) / whole, width * (c * h - b) / whole, width * (b * f - c * e) / whole,
        height * (f * g - d) / whole, height * (a - c * g) / whole, height * (c * d - a * f) / whole,
        (d * h - e * g) / whole, (b * g - a * h) / whole,
    )  # fmt: skip


def _area(quad: Sequence[Point]) -> float:
    """Signed area: positive where the corners run clockwise, so where the face looks at the camera."""
    return sum(
        x * next_y - next_x * y
        for (x, y), (next_x, next_y) in zip(quad, [*quad[1:], quad[0]], strict=True)
    ) / 2  # fmt: skip


def _brightness(corners: Sequence[Corner], light: float) -> float:
    """How bright a turned face is under a lamp that hangs in front, above and to one side."""
    first, second, last = corners[0], corners[1], corners[3]
    u = [b - a for a, b in zip(first, second, strict=True)]
    v = [b - a for a, b in zip(first, last, strict=True)]
    normal = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    lamp = (light, -0.7, 1.0)
    lengths = math.hypot(*normal) * math.hypot(*lamp)
    return min(1.0, 0.5 + 0.62 * max(0.0, sum(n * a for n, a in zip(normal, lamp, strict=True)) / lengths))


def warped(
    picture: Image.Image, quad: Sequence[Point], frame: Size | None = None
) -> tuple[Image.Image, tuple[int, int]]:
    """Warp a picture into a quad; returns it cut to its bounding box, and the box's corner.

    With a `frame`, only what falls inside a picture of that size is drawn: most of a table top does not.
    """
    left, top = (math.floor(min(axis)) - 1 for axis in zip(*quad, strict=True))
    right, bottom = (math.ceil(max(axis)) + 1 for axis in zip(*quad, strict=True))
    if frame:
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, frame[0]), min(bottom, frame[1])
    shrink = int(math.sqrt(picture.width * picture.height / max(1.0, _area(quad))) / 1.3)
    if shrink > 1:
        picture = picture.reduce(shrink)
    # A transparent rim, so that the edges are blended and not jagged.
    picture = ImageOps.expand(picture.convert("RGBA"), 1)
    width, height = picture.width - 2, picture.height - 2
    a, b, c, d, e, f, g, h = _quad_coefficients((width, height), [(x - left, y - top) for x, y in quad])
    numbers = (a + g, b + h, c + 1, d + g, e + h, f + 1, g, h)  # moved by the rim's one pixel
    size = (right - left, bottom - top)
    placed = picture.transform(size, Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BILINEAR)
    return placed, (left, top)


def look_at(faces: Sequence[Face], pose: Pose, height: float) -> Image.Image:
    """Picture an object's faces, farthest first, as seen in a pose.

    Args:
        height: the object's own height, in the unit of its corners.
    Returns:
        RGBA, cut to what is visible, with a border of a pixel or two.
    """
    reach = max(abs(number) for face in faces for corner in face.corners for number in corner)
    distance = 2 * CAMERA_DISTANCE * reach
    scale = pose.height / height
    visible = []
    for face in faces:
        corners = [turned(corner, pose) for corner in face.corners]
        quad = [
            (scale * x * distance / (distance - z), scale * y * distance / (distance - z))
            for x, y, z in corners
        ]
        if _area(quad) > 20:
            nearness = sum(z for _, _, z in corners)
            visible.append((nearness, quad, shaded(face.picture, _brightness(corners, pose.light))))
    points = [point for _, quad, _ in visible for point in quad]
    left, top = (math.floor(min(axis)) - 2 for axis in zip(*points, strict=True))
    right, bottom = (math.ceil(max(axis)) + 2 for axis in zip(*points, strict=True))
    sight = Image.new("RGBA", (right - left, bottom - top))
    for _, quad, picture in sorted(visible, key=lambda entry: entry[0]):
        seen, (x, y) = warped(picture, quad)
        sight.alpha_composite(seen, (x - left, y - top))
    return sight
