"""A web server on a database of its own with as many rows as a benchmark of the API wants.

    with site(products=1000, photos=5) as (installation, token): ...

Photos have rows and no files. The rows are made by this module as a program, on that database.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from config.demo import BASE_DIR
from tests.support.running.installation import Installation

BARE = "benchmarks.bare_views:application"


@contextlib.contextmanager
def site(products: int, photos: int, application: str = "config.asgi:application"):
    """Start the web server alone; give the installation and a token with the scope read."""
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder), BACKBONE="efficientnet-lite0")
        installation.environment["REDIS_URL"] = ""
        web = installation.commands["web"].replace("config.asgi:application", application)
        installation.commands["web"] = web
        try:
            installation.manage("migrate", "--verbosity", "0")
            token = _fill(installation, products, photos)
            installation.start("web")
            yield installation, token
        finally:
            installation.close()


def _fill(installation: Installation, products: int, photos: int) -> str:
    command = [sys.executable, "-m", "benchmarks.api_site", str(products), str(photos)]
    ended = subprocess.run(
        command, check=True, cwd=BASE_DIR, env=installation.environment, stdout=subprocess.PIPE, text=True
    )
    return ended.stdout.splitlines()[-1]


def main() -> None:
    from catalog.models import Product, ProductImage, Shop
    from catalog.tokens import ApiToken

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("products", type=int)
    parser.add_argument("photos", type=int, help="of each product")
    options = parser.parse_args()
    shop = Shop.default()
    products = Product.objects.bulk_create(
        [Product(shop=shop, sku=f"S{n}", name=f"Product {n}", price="1.50") for n in range(options.products)]
    )
    rows = (
        ProductImage(
            product=product, image=f"{n}.jpg", filename=f"{n}.jpg", sha256=f"{n:064x}", width=9, height=9
        )
        for product in products
        for n in range(options.photos)
    )
    ProductImage.objects.bulk_create(rows, batch_size=5000)
    print(ApiToken.make(shop, "Benchmark", ["read"])[1])


if __name__ == "__main__":
    main()
