"""Draws retail barcodes, bar by bar."""

from PIL import Image, ImageDraw

LEFT = ["0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111"]
LEFT += ["0001011"]
# Which of the left six digits are drawn the other way round tells the first digit of an EAN-13.
FIRST = ["000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010"]
QUIET = 12  # modules of white on either side


def check_digit(digits: str) -> str:
    total = sum(int(digit) * (1 if n % 2 else 3) for n, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def ean(digits: str) -> str:
    """A code of 7 or 12 digits with the check digit that belongs to it."""
    return digits + check_digit(digits)


def _bars(code: str) -> str:
    right = ["".join("10"[int(module)] for module in pattern) for pattern in LEFT]
    turned = [pattern[::-1] for pattern in right]
    if len(code) == 8:
        left = "".join(LEFT[int(digit)] for digit in code[:4])
        return f"101{left}01010{''.join(right[int(digit)] for digit in code[4:])}101"
    ways = FIRST[int(code[0])]
    left = "".join((turned if way == "1" else LEFT)[int(d)] for d, way in zip(code[1:7], ways, strict=True))
    return f"101{left}01010{''.join(right[int(digit)] for digit in code[7:])}101"


def draw_code(code: str, side: int = 480) -> Image.Image:
    """A square picture with an EAN-13 or EAN-8 in its middle."""
    bars = _bars(code)
    module = side // (len(bars) + 2 * QUIET)
    picture = Image.new("RGB", (side, side), "white")
    pen, left = ImageDraw.Draw(picture), (side - module * len(bars)) // 2
    for place, bar in enumerate(bars):
        if bar == "1":
            x = left + place * module
            pen.rectangle((x, side // 4, x + module - 1, side * 3 // 4), fill="black")
    return picture
