"""How well one product is recognised, for its form in the admin."""

from dataclasses import dataclass, field

from catalog.models import Product
from ml_training.advice.analysis import analyze_shop
from ml_training.advice.shop import MIN_GAIN, estimate_gains, photo_counts, photo_views
from ml_training.advice.suspects import Suspect
from ml_training.recognizer.learning_curve import MORE

MAX_ANSWERS = 3
MIN_SHARE = 0.02  # of the photos; rarer mix-ups are not worth a line
MAX_MARKED = 200  # photos


@dataclass(frozen=True)
class Answer:
    """Another product that this one's photos are taken for."""

    pk: int
    name: str
    share: float

    @property
    def of_hundred(self) -> int:
        return round(100 * self.share)


@dataclass(frozen=True)
class ProductAdvice:
    version: int | None
    accuracy: float | None  # share of photos from elsewhere that would be right; None: not known
    tried: int  # photos held out and tried
    gain: float  # of `more` photos, a share
    answers: list[Answer] = field(default_factory=list)
    marks: dict[int, str] = field(default_factory=dict)  # by photo: why it looks wrong
    more: int = MORE

    @property
    def of_hundred(self) -> int:
        return round(100 * (self.accuracy or 0))

    @property
    def gain_of_hundred(self) -> int:
        return max(1, round(100 * self.gain)) if self.gain >= MIN_GAIN else 0


def product_advice(product: Product) -> ProductAdvice:
    """Work it out from the shop's analysis; at most three queries more."""
    analysis = analyze_shop(product.shop)
    confusion = analysis.confusion
    counts = photo_counts(product.shop)
    if product.pk not in counts:  # it is switched off
        counts[product.pk] = product.images.count()
    suspects = [suspect for suspect in analysis.suspects if suspect.product == product.pk][:MAX_MARKED]
    answers = [a for a in confusion.answers_for(product.pk) if a[1] >= MIN_SHARE][:MAX_ANSWERS]
    named = {pk for pk, _ in answers} | {s.other_product for s in suspects if s.other_product}
    names = dict(Product.objects.filter(pk__in=named).order_by().values_list("pk", "name"))
    return ProductAdvice(
        version=analysis.version,
        accuracy=confusion.likely(product.pk),
        tried=round(confusion.tried.get(product.pk, 0)),
        gain=estimate_gains(counts, confusion)[product.pk] if confusion.tried else 0.0,
        answers=[Answer(pk, names[pk], share) for pk, share in answers if pk in names],
        marks=_marks(suspects, names),
    )


def _marks(suspects: list[Suspect], names: dict[int, str]) -> dict[int, str]:
    others = photo_views({s.other for s in suspects if s.other})
    return {
        s.photo: s.reason(
            names.get(s.other_product or 0, "another product"),
            others[s.other].filename if s.other in others else "another photo",
        )
        for s in suspects
    }
