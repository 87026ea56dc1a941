"""Draws charts as SVG. Colours are classes (advice.css), so dark mode follows; nothing is loaded or run.

Built as a tree: whatever a product is called, the result is well-formed.
"""

import re
import xml.etree.ElementTree as ET

from django.utils.safestring import SafeString

from catalog.formatting import percent

WIDTH = 440  # units; small, so that words stay readable on a phone
# Margins and sizes in units of the drawing, which are pixels at its own size.
LEFT = 42
RIGHT = 12
TOP = 12
BOTTOM = 26
LABEL = 170  # width of the names beside bars
ROW = 20
CELL = 24
NOT_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Drawing:
    """An SVG picture that is being drawn."""

    def __init__(self, height: float, title: str, description: str):
        self.height = height
        size = {"viewBox": f"0 0 {WIDTH} {height:g}", "class": "chart", "role": "img"}
        self.root = ET.Element(
            "svg", {"xmlns": "http://www.w3.org/2000/svg", **size, "aria-label": clean(title)}
        )
        ET.SubElement(self.root, "title").text = clean(title)
        ET.SubElement(self.root, "desc").text = clean(description)

    def add(self, tag: str, kind: str, hint: str = "", **places: float) -> None:
        """Add a shape of a class; `hint` is shown when the pointer rests on it."""
        attributes = {name.replace("_", "-"): f"{value:g}" for name, value in places.items()}
        shape = ET.SubElement(self.root, tag, {"class": kind, **attributes})
        if hint:
            ET.SubElement(shape, "title").text = clean(hint)

    def line(self, points: list[tuple[float, float]], kind: str) -> None:
        text = " ".join(f"{x:g},{y:g}" for x, y in points)
        ET.SubElement(self.root, "polyline", {"class": kind, "points": text})

    def text(self, x: float, y: float, words: str, anchor: str = "start", kind: str = "chart-text") -> None:
        place = {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor, "class": kind}
        ET.SubElement(self.root, "text", place).text = clean(words)

    def name(self, x: float, y: float, words: str, limit: int) -> None:
        """A name at the right end of its column, cut where it is too long; the whole one as a hint."""
        place = {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": "end", "class": "chart-text"}
        text = ET.SubElement(self.root, "text", place)
        text.text = shortened(clean(words), limit)
        if text.text != clean(words):
            ET.SubElement(text, "title").text = clean(words)

    def shares(self, least: float = 0.0) -> None:
        """Lines at shares from `least` to 1, with their values at the left."""
        for fifth in range(6):
            share = least + (1 - least) * fifth / 5
            y = self.y(share, least)
            self.add("line", "chart-rule", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
            self.text(LEFT - 6, y + 4, percent(share), "end", "chart-small")

    def y(self, share: float, least: float = 0.0) -> float:
        return round(TOP + (self.height - TOP - BOTTOM) * (1 - (share - least) / (1 - least)), 1)

    def x(self, share: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)

    def as_html(self) -> SafeString:
        return SafeString(ET.tostring(self.root, encoding="unicode"))


def clean(text: str) -> str:
    """Text without the few characters that XML cannot hold."""
    return NOT_XML.sub(" ", str(text))


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
