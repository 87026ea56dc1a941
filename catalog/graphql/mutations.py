"""GraphQL mutations of the catalogue."""

import graphene

from api.errors import BAD_INPUT, CONFLICT, NOT_FOUND, ApiError
from api.fields import called_by, read_id
from catalog.graphql.queries import MAY_READ_PHOTOS, MAY_READ_PRODUCTS, ProductImageType, ProductType
from catalog.models import Product, ProductImage
from catalog.moving import MAX_MOVED, MoveRefused, move_photos
from catalog.permissions import CHANGE_PHOTOS

MAY_MOVE = (CHANGE_PHOTOS,)


class MoveProductImages(graphene.Mutation):
    class Meta:
        description = (
            "Move photos to another product of the same shop, to the end of its photos. All of them are "
            "moved or none; those that are there already stay where they are. The recogniser learns it by "
            f"itself. CONFLICT: the product has one of the photos already. {called_by(*MAY_MOVE)}"
        )

    class Arguments:
        image_ids = graphene.List(
            graphene.NonNull(graphene.ID),
            required=True,
            description=f"The photos' databaseIds, at most {MAX_MOVED}.",
        )
        product_id = graphene.ID(
            required=True, description="The databaseId of the product that the photos show."
        )

    moved = graphene.List(
        graphene.NonNull(ProductImageType),
        required=True,
        description="The photos that were on another product until now.",
    )
    product = graphene.Field(ProductType, required=True, description="The product, as it is now.")

    def mutate(self, info, image_ids, product_id):
        info.context.access.require(*MAY_MOVE)
        if len(image_ids) > MAX_MOVED:
            raise ApiError(f"At most {MAX_MOVED} photos are moved at once.", BAD_INPUT)
        photos = {read_id(id, "imageIds are the photos' databaseIds, numbers.") for id in image_ids}
        number = read_id(product_id, "productId is the product's databaseId, a number.")
        shops = info.context.access.shops()
        product = Product.objects.filter(shop__in=shops, pk=number).first()
        if product is None:
            raise ApiError("There is no such product, or you may not see it.", NOT_FOUND)
        if ProductImage.objects.filter(product__shop__in=shops, pk__in=photos).count() < len(photos):
            raise ApiError("There is no such photo, or you may not see it.", NOT_FOUND)
        try:
            return MoveProductImages(moved=move_photos(photos, product), product=product)
        except MoveRefused as error:
            raise ApiError(str(error), CONFLICT) from error

    def resolve_moved(self, info):
        info.context.access.require(*MAY_READ_PHOTOS)
        return self.moved

    def resolve_product(self, info):
        info.context.access.require(*MAY_READ_PRODUCTS)
        return self.product


class Mutation(graphene.ObjectType):
    move_product_images = MoveProductImages.Field(description=MoveProductImages._meta.description)
