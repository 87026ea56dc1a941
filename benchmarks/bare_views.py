"""Plain Django views that read the same rows as three GraphQL queries, beside the project's own addresses.

Served for `benchmarks.graphql_cost`: what is measured is what GraphQL costs on top.
"""

from django.conf import settings
from django.db.models import Count
from django.http import JsonResponse
from django.urls import path, reverse

from catalog.access import access_required
from catalog.models import Product, ProductImage
from catalog.permissions import VIEW_PRODUCTS
from catalog.scopes import READ
from config.urls import urlpatterns as own
from ml_training.permissions import VIEW_TRAINING, VIEW_VERSIONS
from ml_training.status.shop import training_info

settings.ROOT_URLCONF = __name__


@access_required(VIEW_TRAINING, READ)
def training(request):
    info = training_info(request.access.shop())
    names = ("status", "progress", "phase", "error", "version")
    answer = {name: getattr(info, name) for name in names}
    return JsonResponse(answer | {"productCount": info.products, "imageCount": info.photos})


@access_required(VIEW_VERSIONS, READ)
def model(request):
    info = training_info(request.access.shop())
    files = [
        {"kind": file.kind, "url": file.url or None, "sha256": file.sha256, "size": file.bytes}
        for file in info.files
    ]
    return JsonResponse({"hasModel": info.has_active_model, "version": info.version, "files": files})


@access_required(VIEW_PRODUCTS, READ)
def products(request):
    rows = Product.objects.filter(shop=request.access.shop())
    total, page = rows.count(), list(rows[:50])
    photos = ProductImage.objects.filter(product__in=page).order_by("position", "pk")
    counts = dict(photos.order_by().values_list("product").annotate(Count("pk")))
    images = {product.pk: [] for product in page}
    for photo in photos:
        images[photo.product_id].append({"url": reverse("photo", args=[photo.pk, photo.sha256])})
    nodes = [
        {
            "databaseId": str(product.pk),
            "sku": product.sku,
            "name": product.name,
            "price": product.price,
            "imageCount": counts.get(product.pk, 0),
            "images": images[product.pk],
        }
        for product in page
    ]
    return JsonResponse({"totalCount": total, "products": nodes})


urlpatterns = [
    path("bare/training/", training),
    path("bare/model/", model),
    path("bare/products/", products),
    *own,
]

from config.asgi import application  # noqa: E402, F401 (served, after the addresses are set)
