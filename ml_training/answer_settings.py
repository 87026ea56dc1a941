"""What a shop chooses about answers: how many names may be wrong, how much of what is shown is foreign."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ml_training.recognizer.answers.promise import VIEWS, Choice


class AnswerSettings(models.Model):
    """The part of `ShopTraining` that says when to answer without asking."""

    class NamesWrong(models.TextChoices):
        """Share of the names given without asking that may be wrong; see `promise.WRONG`."""

        ONE = "0.01", _("1 of 100 wrong: asks more often")
        TWO = "0.02", _("2 of 100 wrong")
        THREE = "0.03", _("3 of 100 wrong")
        FIVE = "0.05", _("5 of 100 wrong: asks less often")

    class ForeignShown(models.TextChoices):
        """Share of what is shown that the shop does not have; see `promise.FOREIGN`."""

        TWO = "0.02", _("2 of 100")
        FIVE = "0.05", _("5 of 100")
        TEN = "0.1", _("10 of 100")

    names_wrong_choice = models.CharField(
        _("when to answer without asking"),
        max_length=5,
        choices=NamesWrong,
        default=NamesWrong.TWO,
        help_text=_(
            "How many of 100 names that it gives may be wrong. Lower: fewer wrong names, but it asks more "
            "often."
        ),
    )
    foreign_shown_choice = models.CharField(
        _("products that you do not sell"),
        max_length=5,
        choices=ForeignShown,
        default=ForeignShown.FIVE,
        help_text=_("How much of what is held before the camera is not in your catalogue."),
    )

    class Meta:
        abstract = True

    @property
    def names_wrong(self) -> float:
        return float(self.names_wrong_choice)

    def promise(self, views: int = 1) -> Choice:
        """What was chosen, for so many photos of one product taken together."""
        photos = max(number for number in VIEWS if number <= views)
        return self.names_wrong, float(self.foreign_shown_choice), photos
