"""How often a shop's tills were right, by what people tapped."""

from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import Shop
from till.models import Correction

DAYS = 30
MIN_ANSWERS = 20  # of fewer, a share says more about chance than about the shop


def observed_in_words(shop: Shop) -> str:
    """Such as "In the last 30 days 412 answers at the till, 96 of 100 right at first"; empty without any."""
    since = timezone.now() - timedelta(days=DAYS)
    answers = Correction.objects.filter(shop=shop, received_at__gte=since, is_right__isnull=False)
    counts = answers.aggregate(all=Count("pk"), right=Count("pk", filter=Q(is_right=True)))
    if not counts["all"]:
        return ""
    told = {"days": DAYS, "answers": counts["all"]}
    if counts["all"] < MIN_ANSWERS:
        return _("In the last %(days)s days %(answers)s answers at the till: too early to tell.") % told
    right = 100 * counts["right"] // counts["all"]  # never rounded up: 999 of 1,000 are not 100 of 100
    return _(
        "In the last %(days)s days %(answers)s answers at the till, %(right)s of 100 right at first."
    ) % {
        **told,
        "right": right,
    }
