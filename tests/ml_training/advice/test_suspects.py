"""Photos that look wrong are found in a shop, with their reasons; what cannot be known is not said."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image, ImageEnhance, ImageFilter

from catalog.models import Product, ProductImage
from ml_training.advice.analysis import analyze_shop
from ml_training.advice.suspects import COPY, MODEL, OUTLIER, SAME_FILE, Suspect
from ml_training.models import ImageEmbedding, ModelVersion, ShopTraining
from tests.factories import add_photo, draw, encode, stock
from tests.support.demo import UNLIKE, demo_file, demo_photo
from tests.support.training import active_version, trained, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]
PRODUCTS, PHOTOS = 6, 10


def suspects(shop, *kinds: str) -> list[Suspect]:
    return [found for found in analyze_shop(shop).suspects if not kinds or found.kind in kinds]


def demo_shop(shop, products: int = 5, photos: int = 6) -> list[Product]:
    """A shop with real photos of products that do not look alike."""
    made = []
    for sku in UNLIKE[:products]:
        product = Product.objects.create(shop=shop, sku=sku, name=sku)
        for number in range(photos):
            add_photo(product, data=demo_file(sku, number).read_bytes())
        made.append(product)
    return made


def move(photo: ProductImage, product: Product) -> None:
    photo.product = product
    photo.save()


# --- Poisoned shops --------------------------------------------------------------------------------


def test_swapped_labels_are_listed_with_few_innocent_photos(shop):
    """10 % of the photos lie on another product before anything is trained."""
    products = stock(shop, PRODUCTS, PHOTOS)
    photos = list(ProductImage.objects.order_by("pk"))
    swapped = photos[3::10]
    for number, photo in enumerate(swapped):
        move(photo, products[(number + 1 + number % 2) % PRODUCTS])
    work()
    found = {suspect.photo for suspect in suspects(shop)}
    wrong = {photo.pk for photo in swapped}
    assert len(found & wrong) >= 0.8 * len(wrong)
    assert len(found - wrong) <= 0.05 * len(photos)


def test_labels_swapped_while_a_model_serves_are_listed_too(shop):
    trained(shop, PRODUCTS, PHOTOS)
    products = list(Product.objects.order_by("pk"))
    swapped = list(ProductImage.objects.order_by("pk"))[3::10]
    for photo in swapped:
        move(photo, products[(products.index(photo.product) + 2) % PRODUCTS])
    work()
    found = {suspect.photo: suspect for suspect in suspects(shop)}
    assert sum(photo.pk in found for photo in swapped) >= 0.8 * len(swapped)


def test_photos_replaced_by_those_of_another_product_are_listed_as_what_the_model_takes_them_for(shop):
    trained(shop, PRODUCTS, PHOTOS)
    victim, other = (Product.objects.get(shop=shop, sku=f"default-{kind}") for kind in (0, 1))
    ProductImage.objects.filter(product=victim).delete()
    wrong = {add_photo(victim, kind=1, seed=seed).pk for seed in range(500, 500 + PHOTOS)}
    work()
    assert active_version(shop).number == 1  # the gate held the new one back
    found = suspects(shop, MODEL)
    assert len(wrong & {suspect.photo for suspect in found}) >= 0.8 * len(wrong)
    assert {suspect.other_product for suspect in found if suspect.photo in wrong} == {other.pk}
    assert (
        not {suspect.photo for suspect in suspects(shop)}
        - wrong
        - set(other.images.values_list("pk", flat=True))
    )


def saved_anew(image: Image.Image, number: int) -> bytes:
    lighter = ImageEnhance.Brightness(image).enhance(1 + 0.002 * (number % 9 - 4))
    return encode(lighter, quality=75 + number % 20)


def test_many_copies_of_one_photo_are_one_entry(shop):
    products = demo_shop(shop)
    original = demo_photo(UNLIKE[0], 0)
    for number in range(60):
        add_photo(products[0], 0, 100 + number, saved_anew(original, number))
    work()
    copies = suspects(shop, COPY)
    assert len(copies) >= 59
    assert {copy.product for copy in copies} == {products[0].pk}
    (leading,) = [copy for copy in copies if copy.leads]
    assert leading.group >= 60
    assert "nearly equal pictures" in leading.reason("", "")


def test_same_file_on_two_products_is_named_on_both(shop):
    products = demo_shop(shop, photos=4)
    data = demo_file(UNLIKE[0], 9).read_bytes()
    both = {add_photo(product, 9, 9, data).pk for product in products[:2]}
    work()
    found = {suspect.photo: suspect.other for suspect in suspects(shop, SAME_FILE, OUTLIER)}
    assert both <= found.keys()
    assert {found[pk] for pk in both} & both


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda photo: photo.filter(ImageFilter.GaussianBlur(0.011 * min(photo.size))), "Blurred"),
        (lambda photo: ImageEnhance.Brightness(photo).enhance(0.25), "Too dark"),
    ],
)
def test_bad_pictures_say_what_to_do(shop, spoil, words):
    products = demo_shop(shop, products=3, photos=4)
    bad = add_photo(products[0], 0, 77, encode(spoil(demo_photo(UNLIKE[0], 9)), quality=90))
    work()
    found = {suspect.photo: suspect.reason("", "") for suspect in suspects(shop)}
    ours = found.get(bad.pk, "")
    assert words in ours or "Looks more like" in ours  # a wrong product is the graver reason
    facts = ImageEmbedding.objects.get(sha256=bad.sha256)
    assert facts.brightness < 100 if words == "Too dark" else facts.sharpness < 0.52
    assert all(reason.startswith("Looks more like") for pk, reason in found.items() if pk != bad.pk)


# --- What cannot be known --------------------------------------------------------------------------


def test_photos_embedded_before_quality_was_measured_are_not_judged_by_it(shop):
    products = demo_shop(shop, products=2, photos=3)
    add_photo(products[0], 0, 7, encode(Image.new("RGB", (200, 200), (4, 4, 4))))
    work()
    assert len(suspects(shop)) >= 1
    ImageEmbedding.objects.update(sharpness=None, brightness=None, extent=None)
    ShopTraining.objects.update(wanted=10**6)
    assert {suspect.kind for suspect in suspects(shop)} <= {OUTLIER, SAME_FILE}


@pytest.mark.parametrize(("products", "photos"), [(0, 0), (1, 0), (1, 3), (2, 1)])
def test_shops_with_little_in_them_have_no_suspects(shop, products, photos):
    stock(shop, products, photos)
    work()
    assert analyze_shop(shop).suspects == []


def test_damaged_model_costs_only_what_it_would_have_said(shop, caplog):
    trained(shop, 3, 4)
    ModelVersion.objects.update(folder="nowhere")
    add_photo(Product.objects.first(), kind=2, seed=900)
    assert analyze_shop(shop).version == 1
    assert "Traceback" not in caplog.text


# --- When it is worked out -------------------------------------------------------------------------


def test_findings_are_kept_until_photos_change(shop):
    trained(shop, 3, 4)
    first = analyze_shop(shop)
    with CaptureQueriesContext(connection) as captured:
        assert analyze_shop(shop) is first
    assert len(captured) == 1
    add_photo(Product.objects.first(), kind=0, seed=900)
    assert analyze_shop(shop) is not first


def test_number_of_queries_does_not_grow_with_the_photos(shop):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            analyze_shop(shop)
        return len(captured)

    trained(shop, 3, 4)
    few = queries()
    rows = [
        ProductImage(
            product=Product.objects.first(),
            image="a.jpg",
            filename="a.jpg",
            sha256=f"{n:064}",
            width=9,
            height=9,
        )
        for n in range(1500)
    ]
    ProductImage.objects.bulk_create(rows)
    some = ImageEmbedding.objects.first()
    ImageEmbedding.objects.bulk_create(
        ImageEmbedding(sha256=row.sha256, backbone=some.backbone, vector=some.vector) for row in rows
    )
    ShopTraining.objects.update(wanted=10**6)
    assert queries() <= few + 1 <= 6  # one more: the model is asked about photos that it does not know


def test_photo_read_back_from_bytes_is_the_same_size():
    """The helper above makes copies that are other files."""
    image = draw(1)
    assert Image.open(io.BytesIO(saved_anew(image, 3))).size == image.size
    assert saved_anew(image, 3) != saved_anew(image, 5)
