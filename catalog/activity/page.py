"""Settings > Activity: who did what, by shop, filtered, and as a file for a spreadsheet."""

import csv
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.activity.rows import Activity
from catalog.models import Shop
from catalog.permissions import VIEW_ACTIVITY

PAGE = 50
MAX_EXPORTED = 20_000  # rows of one file
# Days outside of these are in no row; near the ends of the calendar a time zone leads beyond it.
DAYS = [MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(9000, 1, 1))]
FORMULA = "=+-@\t\r"  # what makes a spreadsheet compute a cell


class Filters(forms.Form):
    """What of it is shown. A value that cannot be understood filters nothing."""

    shop = forms.ModelChoiceField(Shop.objects.none(), required=False, empty_label=gettext_lazy("All shops"))
    kind = forms.ChoiceField(
        choices=[("", gettext_lazy("Everything")), *Activity.Kind.choices], required=False
    )
    who = forms.CharField(required=False, max_length=150)
    since = forms.DateField(required=False, validators=DAYS, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(required=False, validators=DAYS, widget=forms.DateInput({"type": "date"}))
    text = forms.CharField(required=False, max_length=200, label=gettext_lazy("Words"))

    def __init__(self, data: Any, shops: QuerySet[Shop]):
        super().__init__(data)
        self.fields["shop"].queryset = shops  # type: ignore[attr-defined]
        if shops.count() < 2:
            del self.fields["shop"]

    def apply(self, rows: QuerySet[Activity]) -> QuerySet[Activity]:
        """Keep the rows that were asked for."""
        self.is_valid()
        asked = {name: value for name, value in self.cleaned_data.items() if value}
        conditions = {
            "shop": lambda value: Q(shop=value),
            "kind": lambda value: Q(kind=value),
            "who": lambda value: Q(who__iexact=value.strip()),
            "since": lambda value: Q(at__gte=_start_of(value)),
            "until": lambda value: Q(at__lte=_end_of(value)),
            "text": lambda value: Q(text__icontains=value.strip()),
        }
        for name, value in asked.items():
            rows = rows.filter(conditions[name](value))
        return rows


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _end_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.max))


def visible_rows(user) -> QuerySet[Activity]:
    """What a person may read: of the shops that they see; superusers also what concerns no single shop."""
    if user.is_superuser:
        return Activity.objects.all()
    return Activity.objects.filter(shop__in=Shop.objects.visible_to(user))


@never_cache
@require_safe
@permission_required(VIEW_ACTIVITY, raise_exception=True)
def activity_page(request: HttpRequest) -> HttpResponse:
    """The newest first, a page at a time; with `?export=csv` all that the filters leave."""
    filters = Filters(request.GET, Shop.objects.visible_to(request.user))
    rows = filters.apply(visible_rows(request.user))
    if request.GET.get("export") == "csv":
        return _as_csv(rows[:MAX_EXPORTED])
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        **admin.site.each_context(request),
        "title": _("Activity"),
        "filters": filters,
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "query": query.urlencode(),
        "names_shops": "shop" in filters.fields,
    }
    return render(request, "admin/activity.html", context)


def _as_csv(rows: QuerySet[Activity]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="activity.csv"'
    writer = csv.writer(response)
    writer.writerow(["time", "who", "token", "address", "shop", "kind", "what"])
    for row in rows:
        cells = [row.who, "yes" if row.is_token else "", row.address, row.shop_name, row.kind, row.text]
        writer.writerow([timezone.localtime(row.at).isoformat(timespec="seconds"), *map(_harmless, cells)])
    return response


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(tuple(FORMULA)) else cell
