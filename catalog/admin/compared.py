"""Forms opened before somebody else saved: nobody's change is lost, and who saves over it is told."""

import json
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from api.strict_json import NotJson, read_json
from catalog.models import Shop

OPENED_WITH = "opened_with"  # the hidden field that tells what a form showed when it was opened
MOST_NAMED = 5  # rows in a sentence


class ComparedForm(forms.ModelForm):
    """A form that tells what it was opened with, and compares that with what is there when it is saved.

    What others have changed since, and this person did not touch, is taken over. Where both did, the person
    is asked. Its admin is a `ComparedAdmin`.
    """

    only_shop: Shop | None = None  # of a user who is not asked for the shop; set by `ask_no_shop`

    @cached_property
    def _now(self) -> dict[str, Any]:
        """What is stored, by field; nothing on a form that adds something."""
        shown = [name for name, field in self.fields.items() if name in self.initial and not field.disabled]
        names = shown if self.instance.pk else []
        return {name: self.get_initial_for_field(self.fields[name], name) for name in names}

    @property
    def opened_with(self) -> str:
        """What the form shows, for the hidden field."""
        return json.dumps({name: _text(value) for name, value in self._now.items()})

    def clean(self) -> dict[str, Any]:
        super().clean()
        self._check_shop()
        told = _values_told(self.data.get(OPENED_WITH))
        for name, value in self._now.items():
            if name in told and told[name] != _text(value) and name in self.cleaned_data:
                self._merge(name, told[name])
        return self.cleaned_data

    def _check_shop(self) -> None:
        """Put nothing into another shop than was chosen, though its person sees that one no more."""
        chosen = self.data.get(self.add_prefix("shop"))
        used = getattr(self.instance, "shop_id", None) or (self.only_shop and self.only_shop.pk)
        if chosen and "shop" not in self.fields and chosen != str(used):
            text = _(
                "The shop that you chose is not there any more, or not yours. Nothing was saved: go back to "
                "the list, and begin anew if it belongs into another shop."
            )
            raise ValidationError(text)

    def _merge(self, name: str, told: str) -> None:
        field: Any = self.fields[name]
        now, mine = self._now[name], _text(self.cleaned_data[name])
        if mine == told:
            shown = field.prepare_value(now)
            self.cleaned_data[name] = field.clean(shown)
            data: Any = self.data.copy()  # type: ignore[attr-defined]
            values = shown if isinstance(shown, list) else ["" if shown is None else str(shown)]
            data.setlist(self.add_prefix(name), values)
            self.data = data  # if the form is shown again, it shows what others have saved
        elif mine != _text(now):
            text = _("Somebody else has changed this to %(now)s meanwhile. Save again to keep yours.")
            self.add_error(name, ValidationError(text, params={"now": _in_words(field, now)}))


class ComparedAdmin(admin.ModelAdmin):
    """An admin whose rows are saved by one person after the other, each knowing what the one before saved."""

    form = ComparedForm
    change_form_template = "admin/compared_form.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Refuse an action that one may not do any more; Django would just show the list again."""
        action = request.POST.get("action")
        if action and action not in self.get_actions(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Read a row; if it is to be saved, lock it first, so that it stays as it is read."""
        if request.method == "POST" and transaction.get_connection().in_atomic_block:
            with suppress(ValueError, ValidationError):  # no id: Django will say it
                rows = self.model._default_manager.filter(pk__in=self.rows_to_save(request, object_id))
                list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk"))
        return super().get_object(request, object_id, from_field)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """As Django's, but not for a form: what was typed into it would be lost."""
        match = request.resolver_match
        if request.method == "POST" and match and (match.url_name or "").endswith("_change"):
            raise Http404(f"{opts.verbose_name} {object_id}")
        return super()._get_obj_does_not_exist_redirect(request, opts, object_id)  # type: ignore[misc]

    def rows_to_save(self, request: HttpRequest, object_id: str) -> Iterable[Any]:
        """The rows that saving a form changes, by id; locked in one order, so that none waits for ever."""
        return [object_id]


def _values_told(text: str | None) -> dict[str, str]:
    """What a form says it was opened with; nothing if it does not say."""
    try:
        told = read_json(text or "{}")
    except NotJson:
        return {}
    pairs = told.items() if isinstance(told, dict) else ()
    return {name: value for name, value in pairs if isinstance(value, str)}


def _in_words(field: forms.Field, now: Any) -> str:
    """What is stored now, as a person reads it."""
    if isinstance(now, bool):
        return _("on") if now else _("off")
    if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
        pks = [one.pk if isinstance(one, models.Model) else one for one in _rows(now)]
        rows = sorted(str(row) for row in field.queryset.filter(pk__in=pks))
        more = [_("%d more") % (len(rows) - MOST_NAMED)] if len(rows) > MOST_NAMED else []
        now = ", ".join(rows[:MOST_NAMED] + more)
    elif isinstance(field, forms.ChoiceField):
        now = dict(field.widget.choices).get(now, now)
    return _("nothing") if now is None or now == "" else str(now)


def _rows(value: Any) -> list[Any]:
    """A value of a field for one row or for several, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | models.QuerySet) else [value]


def _text(value: Any) -> str:
    """A value in a form that is the same for what is stored and for what is typed."""
    if isinstance(value, list | models.QuerySet):
        return ",".join(sorted(_text(one) for one in value))
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "" if value is None else str(value)
