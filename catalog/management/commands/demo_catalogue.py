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
        if shop.products.exists():
            raise CommandError(f"{shop.name} has products already; the demo only fills an empty shop.")
        count = options["photos"]
        with self.bar(len(DEMO_PRODUCTS) * count, "photos") as bar, transaction.atomic():
            for item in DEMO_PRODUCTS:
                product = Product.objects.create(
                    shop=shop, sku=item.sku, name=item.name, barcode=item.barcode, price=item.price
                )
                for seed in range(count):
                    self._add(product, item, seed)
                    bar.update()
        self.say(f"{len(DEMO_PRODUCTS)} products with {count} photos each.")
        return {"products": len(DEMO_PRODUCTS), "photos": len(DEMO_PRODUCTS) * count}

    def _add(self, product, item, seed):
        buffer = io.BytesIO()
        draw_photo(item, seed).save(buffer, "JPEG", quality=88)
        file = ContentFile(buffer.getvalue(), name=f"{item.sku}-{seed + 1:02}.jpg")
        ProductImage(product=product, image=file, position=seed).save()
