"""Fills an empty shop with a small catalogue of photos that Shelfsight draws itself."""

import io

from django.core.files.base import ContentFile
from django.core.management.base import CommandError
from django.db import transaction

from catalog.demo.products import DEMO_PRODUCTS
from catalog.demo.scenes import draw_photo
from catalog.management.shop_command import ShopCommand
from catalog.models import Product, ProductImage


class Command(ShopCommand):
    help = "Fill an empty shop with drawn products and photos, to try Shelfsight with."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--photos", type=int, default=10, help="photos of each product (default: 10)")

    def run(self, shop, **options):
        count = options["photos"]
        if count < 1:
            raise CommandError(f"--photos is {count}; it must be 1 or more.")
        if shop.products.exists():
            raise CommandError(f"{shop.name} has products already; the demo only fills an empty shop.")
        # Drawing takes longest, so it comes before the transaction, which keeps others from writing.
        with self.bar(len(DEMO_PRODUCTS) * count, "photos") as bar:
            drawn = [[_draw(item, seed, bar) for seed in range(count)] for item in DEMO_PRODUCTS]
        with transaction.atomic():
            for item, files in zip(DEMO_PRODUCTS, drawn, strict=True):
                _add(shop, item, files)
        self.say(f"{len(DEMO_PRODUCTS)} products with {count} photos each.")
        return {"products": len(DEMO_PRODUCTS), "photos": len(DEMO_PRODUCTS) * count}


def _draw(item, seed, bar) -> ContentFile:
    buffer = io.BytesIO()
    draw_photo(item, seed).save(buffer, "JPEG", quality=88)
    bar.update()
    return ContentFile(buffer.getvalue(), name=f"{item.sku}-{seed + 1:02}.jpg")


def _add(shop, item, files) -> None:
    product = Product.objects.create(
        shop=shop, sku=item.sku, name=item.name, barcode=item.barcode, price=item.price
    )
    for position, file in enumerate(files):
        ProductImage(product=product, position=position, image=file).save()
