"""GraphQL types and queries of the catalogue.

Every query shows only shops that the caller may see; lists cost the same number of queries at any length.
"""

import graphene
from django.db.models import Count, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from graphene import relay
from graphql_relay import get_offset_with_default

from api.errors import ApiError
from api.fields import PagedField, read_by, shop_id_argument
from api.limits import MAX_PAGE
from api.nodes import Node
from api.pages import Page, page_of
from catalog.models import Product, ProductImage, Shop
from catalog.permissions import VIEW_PHOTOS, VIEW_PRODUCTS
from catalog.scopes import reading_scopes

MAX_OFFSET = 10**9  # a place in a list that no database is asked beyond
MAY_READ_SHOPS = (VIEW_PRODUCTS, *reading_scopes())
MAY_READ_PRODUCTS = (VIEW_PRODUCTS, *reading_scopes())
MAY_READ_PHOTOS = (VIEW_PHOTOS, *reading_scopes())


ProductUnit = graphene.Enum(
    "ProductUnit",
    [(unit.name, unit.value) for unit in Product.Unit],
    description="What a product's price is for.",
)


class ShopType(Node):
    class Meta:
        model = Shop
        name = "Shop"
        description = f"A shop with its own products and its own recogniser. {read_by(*MAY_READ_SHOPS)}"
        readers = MAY_READ_SHOPS

    database_id = graphene.ID(required=True, description="The shop's id in the database: what shopId takes.")
    name = graphene.String(required=True, description="What people call it.")
    slug = graphene.String(required=True, description="Its name in addresses.")
    currency = graphene.String(required=True, description="Of all its prices: ISO 4217, such as EUR.")

    @classmethod
    def visible_to(cls, access):
        return access.shops()


class ProductImageType(Node):
    class Meta:
        model = ProductImage
        name = "ProductImage"
        description = f"A photo of a product. {read_by(*MAY_READ_PHOTOS)}"
        readers = MAY_READ_PHOTOS
        connection_class = relay.Connection

    database_id = graphene.ID(required=True, description="The photo's id in the database.")
    url = graphene.String(
        required=True, description="Where the original is served, on this server. It never changes."
    )
    filename = graphene.String(required=True, description="The file's name when it was added.")
    sha256 = graphene.String(required=True, description="SHA-256 of the file's bytes, in hexadecimal.")
    width = graphene.Int(required=True, description="Width of the upright picture, in pixels.")
    height = graphene.Int(required=True, description="Height of the upright picture, in pixels.")
    position = graphene.Int(required=True, description="Its place among the product's photos, lowest first.")
    added_at = graphene.DateTime(required=True, description="When it was added.")

    @classmethod
    def visible_to(cls, access):
        return ProductImage.objects.filter(product__shop__in=access.shops())

    def resolve_url(self, info):
        return reverse("photo", args=[self.pk, self.sha256])


class ProductType(Node):
    class Meta:
        model = Product
        name = "Product"
        description = f"A product of a shop. {read_by(*MAY_READ_PRODUCTS)}"
        readers = MAY_READ_PRODUCTS

    database_id = graphene.ID(required=True, description="The product's id in the database.")
    sku = graphene.String(required=True, description="The shop's own number for it, once a shop.")
    name = graphene.String(required=True, description="What people call it.")
    barcode = graphene.String(required=True, description="What the till scans; may be empty.")
    price = graphene.Decimal(description="In the shop's currency, with two decimals.")
    unit = graphene.Field(ProductUnit, required=True, description="What the price is for.")
    is_active = graphene.Boolean(required=True, description="Whether it is recognised.")
    image_count = graphene.Int(required=True, description="How many photos it has.")
    images = PagedField(
        ProductImageType, description=f"Its photos, in their order. {read_by(*MAY_READ_PHOTOS)}"
    )

    @classmethod
    def visible_to(cls, access):
        return Product.objects.filter(shop__in=access.shops())

    def resolve_images(self, info, **page):
        info.context.access.require(*MAY_READ_PHOTOS)
        return photos_of(self, page)

    def resolve_image_count(self, info):
        return page_of(self).find("image_count", count_photos).get(self.pk, 0)


def most_needed(page: dict) -> int | None:
    """How many items of a list a page needs, counted from the start, to know whether there are more; None for
    all of them."""
    if {"last", "before", "offset"} & {name for name, value in page.items() if value is not None}:
        return None
    first = MAX_PAGE if page.get("first") is None else page["first"]
    return min(get_offset_with_default(page.get("after"), -1), MAX_OFFSET) + first + 2


def photos_of(product: Product, page: dict) -> list[ProductImage]:
    """The photos of a product that a page needs, and one more if there is one; in one query for the whole
    list of products that it is in."""
    most = most_needed(page)
    photos = page_of(product).find(("images", most), lambda products: read_photos(products, most))
    return photos[product.pk]


def read_photos(products: list[Product], most: int | None) -> dict[int, list[ProductImage]]:
    """The first photos of some products, all of them for None, by the product's id, in one query. They are
    one page, whichever product they are of."""
    photos = ProductImage.objects.filter(product__in=products).order_by("position", "pk")
    if most is not None:
        place = Window(RowNumber(), partition_by="product", order_by=("position", "pk"))
        photos = photos.annotate(place=place).filter(place__lte=most)
    together = Page(list(photos))
    found: dict[int, list[ProductImage]] = {product.pk: [] for product in products}
    of = {product.pk: product for product in products}
    for photo in together.rows:
        photo.product, photo.api_page = of[photo.product_id], together
        found[photo.product_id].append(photo)
    return found


def count_photos(products: list[Product]) -> dict[int, int]:
    """How many photos some products have, by the product's id; those that have none are left out."""
    photos = ProductImage.objects.filter(product__in=products).order_by()
    return dict(photos.values_list("product").annotate(Count("pk")))


class Query(graphene.ObjectType):
    shops = PagedField(
        ShopType, description=f"The shops that the caller sees, by name. {read_by(*MAY_READ_SHOPS)}"
    )
    products = PagedField(
        ProductType,
        shop_id=shop_id_argument(),
        sku=graphene.String(description="Only the product with this SKU."),
        barcode=graphene.String(description="Only products with this barcode."),
        description=f"The products of a shop, by name. {read_by(*MAY_READ_PRODUCTS)}",
    )

    def resolve_shops(self, info, **page):
        info.context.access.require(*MAY_READ_SHOPS)
        return info.context.access.shops()

    def resolve_products(self, info, shop_id=None, sku=None, barcode=None, **page):
        info.context.access.require(*MAY_READ_PRODUCTS)
        asked = f"{sku}{barcode}"
        if "\0" in asked or any("\ud800" <= char <= "\udfff" for char in asked):  # no database has such text
            raise ApiError("sku and barcode are text without NUL and lone surrogates.")
        products = Product.objects.filter(shop=info.context.access.shop(shop_id))
        if sku is not None:
            products = products.filter(sku=sku)
        return products if barcode is None else products.filter(barcode=barcode)
