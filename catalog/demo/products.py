"""The invented products of the demo shop, and what their packages look like.

Called by the management command `demo_catalogue` and by `catalog.demo.scenes`; calls nobody. Brands are
made up. Barcodes are valid EAN-13 from the range 20-29, which is kept for use inside a shop, so none of
them can ever be a real product's.
"""

from dataclasses import dataclass, replace
from decimal import Decimal


@dataclass(frozen=True)
class Look:
    """How a package is printed. Colours are `#rrggbb`; motifs are functions in `catalog.demo.motifs`."""

    package: str  # carton, can, jar, bag, pouch, bottle, box, bar or tin
    brand: str
    title: tuple[str, ...]  # one entry a line
    amount: str
    base: str  # the package's ground colour
    band: str  # the colour that tells varieties apart
    accent: str
    ink: str
    motif: str
    content: str = "#000000"  # what shows through a jar or a bottle


@dataclass(frozen=True)
class DemoProduct:
    sku: str
    name: str
    barcode: str
    price: Decimal
    look: Look


WHOLE_MILK = Look(
    package="carton", brand="Plumrow", title=("Whole", "Milk"), amount="1 L", motif="cow",
    base="#f3f5f6", band="#2b5fa8", accent="#bcd6ef", ink="#1d3f73",
)  # fmt: skip
STRAWBERRY_JAM = Look(
    package="jar", brand="Tansy & Tull", title=("Strawberry", "Jam"), amount="340 g", motif="strawberry",
    base="#fcf5e4", band="#c22f38", accent="#f0c9b8", ink="#4a2018", content="#a3141c",
)  # fmt: skip
SALTED_CRISPS = Look(
    package="bag", brand="Crackadoo", title=("Sea Salt", "Crisps"), amount="150 g", motif="salted_crisps",
    base="#f4bd2f", band="#2f6db0", accent="#fbe08a", ink="#3a230c",
)  # fmt: skip
DARK_CHOCOLATE = Look(
    package="bar", brand="Dorrimel", title=("Dark", "Chocolate"), amount="100 g", motif="cocoa",
    base="#3a1f1a", band="#7d1f2d", accent="#d9b166", ink="#f3e3c3",
)  # fmt: skip
TOMATO_SOUP = Look(
    package="can", brand="Ladlebrook", title=("Tomato", "Soup"), amount="400 g", motif="tomato",
    base="#f7eddb", band="#c9302a", accent="#e8b84a", ink="#4a1512",
)  # fmt: skip
SEMI_SKIMMED_MILK = replace(
    WHOLE_MILK, title=("Semi", "Skimmed"), band="#2f8a6b", accent="#bfe3d0", ink="#1b4f43"
)
RASPBERRY_JAM = replace(
    STRAWBERRY_JAM, title=("Raspberry", "Jam"), band="#8f2560", motif="raspberry", content="#6f0f36"
)
PAPRIKA_CRISPS = replace(SALTED_CRISPS, title=("Paprika", "Crisps"), band="#c2402b", motif="paprika_crisps")
MILK_CHOCOLATE = replace(DARK_CHOCOLATE, title=("Milk", "Chocolate"), band="#b5702f", motif="milk_cocoa")
TOMATO_BASIL_SOUP = replace(
    TOMATO_SOUP, title=("Tomato", "& Basil"), base="#edf0d6", accent="#6ea33c", motif="tomato_basil"
)
OAT_DRINK = Look(
    package="carton", brand="Oatwhistle", title=("Oat", "Drink"), amount="1 L", motif="oats",
    base="#eadcbd", band="#8a5a2b", accent="#d7b46c", ink="#4b3219",
)  # fmt: skip
HONEY = Look(
    package="jar", brand="Bumblecroft", title=("Meadow", "Honey"), amount="340 g", motif="bee",
    base="#fff1c4", band="#8a5712", accent="#e9b93d", ink="#3d2608", content="#d68a12",
)  # fmt: skip
COFFEE = Look(
    package="pouch", brand="Lanternbird", title=("House", "Coffee"), amount="250 g", motif="coffee",
    base="#24343a", band="#d49a45", accent="#c8603c", ink="#f6ead4",
)  # fmt: skip
TEA = Look(
    package="tin", brand="Wrenhollow", title=("Garden", "Tea"), amount="80 bags", motif="tea",
    base="#1f5a58", band="#d9b765", accent="#8fc0a5", ink="#f7efd8",
)  # fmt: skip
DISH_SOAP = Look(
    package="bottle", brand="Sudswick", title=("Lemon", "Dish Soap"), amount="500 ml", motif="lemon",
    base="#ffffff", band="#2f9a55", accent="#f2d43a", ink="#1c5a36", content="#e6da4a",
)  # fmt: skip
CEREAL = Look(
    package="box", brand="Poppleby", title=("Moon", "Hoops"), amount="375 g", motif="moon_bowl",
    base="#4b3a93", band="#f5c63c", accent="#ef7f5a", ink="#ffffff",
)  # fmt: skip


def _product(sku: str, name: str, barcode: str, price: str, look: Look) -> DemoProduct:
    return DemoProduct(sku, name, barcode, Decimal(price), look)


DEMO_PRODUCTS: tuple[DemoProduct, ...] = (
    _product("MILK-WHOLE", "Plumrow whole milk 1 L", "2007310040212", "1.29", WHOLE_MILK),
    _product("MILK-SEMI", "Plumrow semi-skimmed milk 1 L", "2007310041585", "1.19", SEMI_SKIMMED_MILK),
    _product("OAT-DRINK", "Oatwhistle oat drink 1 L", "2007310042957", "1.99", OAT_DRINK),
    _product("JAM-STRAWBERRY", "Tansy & Tull strawberry jam 340 g", "2007310044326", "2.79", STRAWBERRY_JAM),
    _product("JAM-RASPBERRY", "Tansy & Tull raspberry jam 340 g", "2007310045699", "2.99", RASPBERRY_JAM),
    _product("HONEY-MEADOW", "Bumblecroft meadow honey 340 g", "2007310047068", "4.95", HONEY),
    _product("CRISPS-SALT", "Crackadoo sea salt crisps 150 g", "2007310048430", "1.79", SALTED_CRISPS),
    _product("CRISPS-PAPRIKA", "Crackadoo paprika crisps 150 g", "2007310049802", "1.79", PAPRIKA_CRISPS),
    _product("CHOC-DARK", "Dorrimel dark chocolate 100 g", "2007310051171", "1.59", DARK_CHOCOLATE),
    _product("CHOC-MILK", "Dorrimel milk chocolate 100 g", "2007310052543", "1.49", MILK_CHOCOLATE),
    _product("SOUP-TOMATO", "Ladlebrook tomato soup 400 g", "2007310053915", "1.35", TOMATO_SOUP),
    _product("SOUP-BASIL", "Ladlebrook tomato & basil 400 g", "2007310055285", "1.45", TOMATO_BASIL_SOUP),
    _product("COFFEE-HOUSE", "Lanternbird house coffee 250 g", "2007310056657", "4.49", COFFEE),
    _product("TEA-GARDEN", "Wrenhollow garden tea, 80 bags", "2007310058026", "3.85", TEA),
    _product("SOAP-LEMON", "Sudswick lemon dish soap 500 ml", "2007310059399", "1.95", DISH_SOAP),
    _product("CEREAL-MOON", "Poppleby moon hoops 375 g", "2007310060760", "2.65", CEREAL),
)
