"""The demo shop's photos, for tests where drawn pictures would prove too little: 16 products, ten of each."""

from pathlib import Path

from PIL import Image

from catalog.importing import find_product_folders
from config.demo import BASE_DIR

DEMO_PHOTOS = BASE_DIR / "demo" / "photos"
# No two of these look alike; among the 16 there are pairs that do.
UNLIKE = ["Avocado", "Banana", "Cucumber", "God-Morgon-Orange-Juice"]
UNLIKE += ["Granny-Smith", "Oatly-Oat-Milk", "Orange", "Vine-Tomato"]


def demo_folders() -> dict[Path, list[Path]]:
    """The files of each product, as an import takes them."""
    return find_product_folders(DEMO_PHOTOS)


def demo_file(sku: str, number: int) -> Path:
    """One of a product's ten photos, counted from 0."""
    return sorted((DEMO_PHOTOS / sku).glob("*.jpg"))[number]


def demo_photo(sku: str, number: int) -> Image.Image:
    return Image.open(demo_file(sku, number)).convert("RGB")
