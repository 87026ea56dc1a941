"""Photos and products that the active version did not know: when a person has to decide."""

import pytest

from catalog.models import Product, ProductImage
from ml_training.gate.evidence import gather_evidence
from ml_training.gate.judge import find_regressions
from ml_training.models import LearnedPhoto, ModelVersion
from ml_training.versions import activate
from tests.factories import add_photo, stock
from tests.support.gate import judged, verdict
from tests.support.training import active_version, trained, work

pytestmark = pytest.mark.django_db(transaction=True)
PHOTOS = 5


def newest(shop) -> ModelVersion:
    return ModelVersion.objects.filter(shop=shop).first()


def asked(version: ModelVersion) -> dict:
    """What earlier versions said of new photos, by their number."""
    return version.evidence.get("asked", {})


def reshoot(product: Product, kind: int, seeds) -> list[int]:
    """Replace all photos of a product; returns the new ones."""
    product.images.all().delete()
    return [add_photo(product, kind, seed).pk for seed in seeds]


@pytest.fixture
def shop_of_six(shop):
    trained(shop, products=6, photos=PHOTOS)
    return shop


@pytest.mark.training
def test_few_photos_replaced_by_other_ones_of_another_product_are_held_back(shop_of_six):
    victim = Product.objects.get(sku="default-0")
    photos = reshoot(victim, 1, range(500, 500 + PHOTOS))
    work()
    version = newest(shop_of_six)
    assert (version.number, active_version(shop_of_six).number) == (2, 1)
    assert version.held_back == (
        "Version 1 goes on serving: the 5 photos that are new on Product 0 look like Product 1 to it. If "
        "they are right, activate version 2; if not, move them to Product 1 or delete them."
    )
    other = Product.objects.get(sku="default-1").pk
    assert asked(version) == {
        "1": {"tried": 1, "products": {str(victim.pk): [other, photos]}, "sure": [str(victim.pk)]}
    }
    assert activate.activate_version(version)
    assert active_version(shop_of_six) == version


@pytest.mark.training
def test_right_photos_of_other_products_that_come_with_them_change_nothing(shop_of_six):
    reshoot(Product.objects.get(sku="default-0"), 1, range(500, 500 + PHOTOS))
    for kind in range(1, 6):
        for seed in range(700, 703):
            add_photo(Product.objects.get(sku=f"default-{kind}"), kind, seed)
    work()
    version = newest(shop_of_six)
    assert "5 photos that are new on Product 0 look like Product 1" in version.held_back
    assert version.evidence["asked"]["1"]["tried"] == 6


@pytest.mark.training
def test_photos_that_are_replaced_one_by_one_are_shown_to_an_earlier_version_too(shop_of_six):
    victim = Product.objects.get(sku="default-0")
    right = list(victim.images.all())
    for number, photo in enumerate(right[:4]):
        photo.delete()
        add_photo(victim, 1, 500 + number)
        work()
    version = newest(shop_of_six)
    assert set(version.evidence["asked"]) >= {"1"}
    assert version.evidence["asked"]["1"]["sure"] == [str(victim.pk)]
    assert version.held_back
    assert active_version(shop_of_six).number < version.number


@pytest.mark.training
def test_it_stays_so_until_the_photos_are_mended(shop_of_six):
    victim = Product.objects.get(sku="default-0")
    reshoot(victim, 1, range(500, 500 + PHOTOS))
    work()
    add_photo(Product.objects.get(sku="default-2"), 2, 900)
    work()
    assert newest(shop_of_six).held_back
    assert active_version(shop_of_six).number == 1
    reshoot(victim, 0, range(600, 600 + PHOTOS))
    work()
    assert active_version(shop_of_six).number == 4


@pytest.mark.training
def test_better_photos_of_the_same_product_take_over(shop_of_six):
    reshoot(Product.objects.get(sku="default-0"), 0, range(600, 600 + PHOTOS))
    work()
    version = active_version(shop_of_six)
    assert version.number == 2
    assert asked(version) == {"1": {"tried": 1, "products": {}, "sure": []}}


@pytest.mark.training
def test_the_same_files_uploaded_again_are_not_new(shop_of_six):
    reshoot(Product.objects.get(sku="default-0"), 0, range(PHOTOS))
    work()
    assert active_version(shop_of_six).number == 2
    assert asked(active_version(shop_of_six)) == {}


@pytest.mark.training
def test_products_that_changed_all_their_photos_by_being_moved(shop_of_six):
    first, second = (Product.objects.get(sku=f"default-{kind}") for kind in (0, 1))
    photos = list(first.images.all()), list(second.images.all())
    for moved, product in zip(photos, (second, first), strict=True):
        for photo in moved:
            photo.product = product
            photo.save()
    work()
    assert newest(shop_of_six).held_back
    assert active_version(shop_of_six).number == 1
    assert len(newest(shop_of_six).evidence["asked"]["1"]["products"]) == 2


@pytest.mark.training
@pytest.mark.parametrize("is_deleted", [True, False])
def test_two_products_that_become_one_take_over(shop_of_six, is_deleted):
    """All photos of the one go to the other, which loses its own; the first is deleted, or left empty."""
    kept, gone = (Product.objects.get(sku=f"default-{kind}") for kind in (0, 1))
    kept.images.all().delete()
    for photo in gone.images.all():
        photo.product = kept
        photo.save()
    if is_deleted:
        gone.delete()
    work()
    assert active_version(shop_of_six).number == newest(shop_of_six).number == 2, newest(
        shop_of_six
    ).held_back


@pytest.mark.training
def test_version_without_a_record_or_files_is_not_asked(shop_of_six, settings):
    reshoot(Product.objects.get(sku="default-0"), 1, range(500, 500 + PHOTOS))
    LearnedPhoto.objects.all().delete()
    work()
    assert newest(shop_of_six).number == 2
    assert asked(newest(shop_of_six)) == {}


@pytest.mark.training
def test_photos_added_to_a_product_that_had_one_are_not_doubted(shop_of_six):
    """The active version knows it by one photo only: what it says of more is worth little."""
    product = Product.objects.create(shop=shop_of_six, sku="new", name="New")
    add_photo(product, 1, 800)
    work()
    assert active_version(shop_of_six).number == 2
    for seed in range(801, 805):
        add_photo(product, 1, seed)
    work()
    assert newest(shop_of_six).evidence.get("tried", 0) == 0
    assert "which is new" not in newest(shop_of_six).held_back


def test_shop_without_a_version_gathers_no_evidence(shop):
    stock(shop)
    assert gather_evidence(shop.pk, None, None, [], "any").as_json() == {}


@pytest.mark.training
def test_the_same_product_twice_is_held_back(shop_of_six):
    """Other photos of one product under a new number."""
    twin = Product.objects.create(shop=shop_of_six, sku="twin", name="Twin")
    original = Product.objects.get(sku="default-0")
    for photo in ProductImage.objects.filter(product=original):
        with photo.image.open() as file:
            add_photo(twin, data=file.read() + b"\0")
    work()
    version = newest(shop_of_six)
    assert active_version(shop_of_six).number == 1
    assert "Twin, which is new, takes away" in version.held_back
    assert "if both are on the shelf, activate version 2" in version.held_back


@pytest.mark.training
def test_new_product_takes_over(shop_of_six):
    product = Product.objects.create(shop=shop_of_six, sku="new", name="New")
    for seed in range(PHOTOS):
        add_photo(product, 7, seed)
    work()
    assert active_version(shop_of_six).number == 2


# --- What is said of figures -----------------------------------------------------------------------


def test_new_product_may_take_less_than_half():
    before, after = {1: [1] * 10}, {1: [1] * 6 + [3] * 4, 3: [3] * 5}
    assert verdict(before, after) == ""
    assert "5 of the 10 photos" in verdict(before, {1: [1] * 5 + [3] * 5, 3: [3] * 5})


def grown(new_photos: int, products: int = 1) -> str:
    """Product 3 has new photos, as others that take nothing, and takes 4 of the 5 photos of product 1."""
    before = {1: [1] * 5, 3: [3] * 5} | {pk: [pk] * 5 for pk in range(4, 3 + products)}
    after = {1: [3] * 4 + [1], 3: [3] * (5 + new_photos)}
    return verdict(before, after | {pk: [pk] * 10 for pk in range(4, 3 + products)})


def test_product_that_takes_photos_away_after_it_got_new_ones():
    assert "which has 7 new photos, takes away 4 of the 5 photos of" in grown(7)
    assert grown(2) == ""


def test_of_many_products_with_new_photos_some_take_photos_by_chance():
    assert grown(7, products=10)
    assert grown(7, products=20) == ""


def test_photos_that_were_wrong_before_are_not_taken_away():
    assert verdict({1: [2] * 6 + [1] * 4, 2: [2] * 9}, {1: [3] * 6 + [1] * 4, 2: [2] * 9, 3: [3] * 5}) == ""


def test_two_photos_are_too_few_to_say():
    assert verdict({1: [1, 1]}, {1: [3, 3], 3: [3] * 5}) == ""


def copied(before: int, after: int, others: int = 6) -> str:
    """A product with some photos, and copies of one of these."""
    known = judged({1: [1] * others, 2: [2] * 9})
    activate = []
    for number, copies in enumerate((before, after), 1):
        evidence = {"copies": {"1": list(range(5000, 5000 + copies))}} if copies else {}
        activate.append(ModelVersion(number=number, cross_validated=known, evidence=evidence))
    return find_regressions(*activate)


def test_product_that_is_mostly_copies_of_one_photo_holds_a_version_back():
    assert copied(0, 1000) == (
        "Version 1 goes on serving: 1,000 photos of another product are copies of others there and teach "
        "nothing new. Delete them, or activate version 2."
    )


@pytest.mark.parametrize(("before", "after", "others"), [(0, 9, 6), (0, 12, 13), (1000, 1000, 6), (0, 0, 6)])
def test_few_copies_and_those_that_were_there_do_not(before, after, others):
    assert copied(before, after, others) == ""


def doubting(tried: int, found: int, sure: int, by: int = 1, number: int = 2) -> ModelVersion:
    """A version of which an earlier one found the new photos of some products doubtful."""
    products = {str(pk): [9, [1, 2, 3]] for pk in range(found)}
    said = {"tried": tried, "products": products, "sure": list(products)[found - sure :]}
    return ModelVersion(number=number, evidence={"asked": {str(by): said}})


@pytest.mark.parametrize(
    ("tried", "found", "sure", "held"),
    [
        (1, 1, 0, True),
        (4, 1, 0, True),
        (5, 1, 0, False),
        (20, 2, 0, True),
        (40, 2, 0, False),
        (80, 1, 1, True),
        (80, 4, 1, True),
        (200, 1, 1, False),
        (200, 2, 2, True),
    ],
)
def test_of_many_products_with_new_photos_some_are_doubted_by_chance(tried, found, sure, held):
    assert bool(find_regressions(ModelVersion(number=1), doubting(tried, found, sure))) is held


def test_others_are_counted_and_not_said_to_look_like_the_first():
    said = find_regressions(ModelVersion(number=1), doubting(2, 2, 0))
    assert "New photos of 1 other product look like a wrong one, too." in said


def test_doubts_of_a_version_that_did_not_serve_lately_count_for_nothing():
    new = doubting(1, 1, 1, by=1, number=3)
    assert find_regressions(ModelVersion(number=2), new) == ""
    assert find_regressions(ModelVersion(number=1), new)
