"""Filters of the list of corrections."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from catalog.models import Product, Shop
from till.models import Correction


class StateFilter(admin.SimpleListFilter):
    """What waits for somebody, unless another state is asked for."""

    title = _("state")
    parameter_name = "state"
    ALL = "all"

    def lookups(self, request, model_admin):
        State = Correction.State
        return [(State.TAKEN, State.TAKEN.label), (State.REFUSED, State.REFUSED.label), (self.ALL, _("all"))]

    def choices(self, changelist):
        first, *others = super().choices(changelist)
        yield first | {"display": Correction.State.WAITING.label}
        yield from others

    def queryset(self, request, queryset):
        if self.value() == self.ALL:
            return queryset
        if self.value() in {Correction.State.TAKEN, Correction.State.REFUSED}:
            return queryset.filter(state=self.value())
        return queryset.filter(Correction.to_decide())


class SaidFilter(admin.SimpleListFilter):
    title = _("what the till said")
    parameter_name = "said"
    RIGHT, OTHER, NOTHING = "right", "other", "nothing"

    def lookups(self, request, model_admin):
        own = [(self.RIGHT, _("right at first")), (self.OTHER, _("another product"))]
        return [*own, *Correction.Answer.choices, (self.NOTHING, _("nothing: found by search"))]

    def queryset(self, request, queryset):
        value = self.value()
        if value in Correction.Answer.values:
            return queryset.filter(answer=value)
        wanted = {
            self.RIGHT: {"is_right": True},
            self.OTHER: {"is_right": False},
            self.NOTHING: {"answer": ""},
        }
        return queryset.filter(**wanted.get(value or "", {}))


class ProductFilter(admin.SimpleListFilter):
    """By the product that was chosen at the till, of those that wait."""

    title = _("product")
    parameter_name = "product"

    def lookups(self, request, model_admin):
        waiting = Correction.objects.filter(
            Correction.to_decide(), shop__in=Shop.objects.visible_to(request.user)
        )
        products = Product.objects.filter(pk__in=waiting.values("chosen"))
        return [(str(pk), name) for pk, name in products.values_list("pk", "name")]

    def has_output(self):
        return bool(self.lookup_choices)

    def queryset(self, request, queryset):
        known = {pk for pk, _name in self.lookup_choices}
        return queryset.filter(chosen=self.value()) if self.value() in known else queryset
