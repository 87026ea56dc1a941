"""GraphQL types and queries of the catalogue. Called by `config.schema`.

Every query shows only shops that the user may see; lists cost the same number of queries at any length.
"""

import graphene
from django.urls import reverse
from graphene import relay
from graphene_django import DjangoConnectionField, DjangoObjectType
from graphene_django.settings import graphene_settings
from graphql import GraphQLError
from graphql_relay import get_offset_with_default

from catalog.api.errors import ApiError
from catalog.models import Product, ProductImage, Shop


def visible_shops(info):
    """The shops this request may see.

    Raises:
        GraphQLError: (code UNAUTHENTICATED) nobody is logged in, or the user is not staff.
    """
    user = info.context.user
    if not (user.is_active and user.is_staff):
        raise GraphQLError("Log in as staff to read this.", extensions={"code": "UNAUTHENTICATED"})
    return Shop.objects.visible_to(user)


def require_permission(info, permission: str) -> None:
    """Raises GraphQLError (code FORBIDDEN) unless the user has a Django permission."""
    if not info.context.user.has_perm(permission):
        raise GraphQLError(f"You need the permission {permission}.", extensions={"code": "FORBIDDEN"})


def find_shop(info, shop_id=None) -> Shop:
    """The shop with this id, or the only one the user sees when no id is given.

    Raises:
        GraphQLError: (code NOT_FOUND) there is no such shop for this user; (code SHOP_REQUIRED) no id was
            given and the user sees several.
    """
    shops = visible_shops(info)
    if shop_id is not None:
        shop = shops.filter(pk=shop_id).first() if str(shop_id).isdecimal() else None
        if shop is None:
            raise GraphQLError(
                "There is no such shop, or you may not see it.", extensions={"code": "NOT_FOUND"}
            )
        return shop
    found = list(shops[:2])
    if len(found) != 1:
        code = "SHOP_REQUIRED" if found else "NOT_FOUND"
        text = (
            "You see several shops: say which with shopId." if found else "You are not a member of any shop."
        )
        raise GraphQLError(text, extensions={"code": code})
    return found[0]


class ProductImageType(DjangoObjectType):
    class Meta:
        model = ProductImage
        name = "ProductImage"
        description = "A photo of a product. Staff of its shop may read it."
        fields = ["filename", "sha256", "width", "height", "position", "added_at"]
        interfaces = [relay.Node]
        use_connection = True

    database_id = graphene.ID(required=True, description="The photo's id in the database.")
    url = graphene.String(required=True, description="Where the original is served, to staff of the shop.")

    @classmethod
    def get_node(cls, info, id):
        require_permission(info, "catalog.view_productimage")
        return ProductImage.objects.filter(pk=id, product__shop__in=visible_shops(info)).first()

    def resolve_database_id(self, info):
        return self.pk

    def resolve_url(self, info):
        return reverse("photo", args=[self.pk, self.sha256])


class ProductType(DjangoObjectType):
    class Meta:
        model = Product
        name = "Product"
        description = "A product of a shop. Staff of the shop may read it."
        fields = ["sku", "name", "barcode", "price", "is_active"]
        interfaces = [relay.Node]
        use_connection = True

    database_id = graphene.ID(required=True, description="The product's id in the database.")
    images = relay.ConnectionField(
        ProductImageType._meta.connection, description="The product's photos, in their order."
    )
    image_count = graphene.Int(required=True, description="How many photos the product has.")

    @classmethod
    def get_node(cls, info, id):
        require_permission(info, "catalog.view_product")
        return Product.objects.filter(pk=id, shop__in=visible_shops(info)).first()

    def resolve_database_id(self, info):
        return self.pk

    def resolve_images(self, info, **kwargs):
        require_permission(info, "catalog.view_productimage")
        return list(self.images.all())

    def resolve_image_count(self, info):
        return len(self.images.all())


class PagedField(DjangoConnectionField):
    """A connection that answers a page it does not give with an error code (BAD_INPUT)."""

    @classmethod
    def connection_resolver(cls, *wiring, **args):
        most = graphene_settings.RELAY_CONNECTION_MAX_LIMIT
        for name, limit in (("first", most), ("last", most), ("offset", None)):
            value = args.get(name)
            if value is not None and (value < 0 or (limit is not None and value > limit)):
                text = f"{name} must be 0 or more" + (f", and at most {limit}." if limit else ".")
                raise ApiError(text)
        if get_offset_with_default(args.get("after"), 0) < 0:
            raise ApiError("after is no cursor of this list.")
        return super().connection_resolver(*wiring, **args)


class Query(graphene.ObjectType):
    products = PagedField(
        ProductType,
        shop_id=graphene.ID(description="The shop; may be left out by whoever sees one."),
        description="The products of a shop, by name. Staff of the shop may read them.",
    )

    def resolve_products(self, info, shop_id=None, **kwargs):
        shop = find_shop(info, shop_id)
        require_permission(info, "catalog.view_product")
        return Product.objects.filter(shop=shop).prefetch_related("images")
