"""Records changes of rows, wherever they are made, as long as a person or a token acts.

Nothing is read and nothing written while nobody does: a worker pays for none of this.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Field, Model, QuerySet
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save

from catalog.activity import photos
from catalog.activity.actor import Actor, current_actor
from catalog.activity.rows import Activity, record, record_login, some
from catalog.formatting import counted
from catalog.models import Product, Shop
from catalog.tokens import ApiToken

Kind = Activity.Kind


@dataclass(frozen=True)
class Tracked:
    """How changes of one model's rows are told."""

    kind: str
    noun: str  # "the product", before the row's name
    fields: tuple[str, ...]  # whose values are told
    shop_of: Callable[[Any], Shop | None]
    secrets: tuple[str, ...] = ()  # of which only that they changed is told
    is_made: bool = True  # whether making and deleting one is told; if not, a new one changes the defaults


def track(model: type[Model], tracked: Tracked) -> None:
    """Record from now on how rows of a model are made, changed and deleted."""

    def before(instance, raw=False, **kwargs):
        if current_actor() and not instance._state.adding and not raw:
            rows = model._default_manager.filter(pk=instance.pk)
            instance.activity_before = rows.values(*tracked.fields, *tracked.secrets).first()

    def saved(instance, created, raw=False, update_fields=None, **kwargs):
        if raw or not current_actor():
            return
        if created and tracked.is_made:
            record(tracked.kind, f"added {tracked.noun} {instance}", tracked.shop_of(instance))
            return
        before = _defaults(tracked, model) if created else getattr(instance, "activity_before", None) or {}
        name = f"{tracked.noun} {instance}".strip()
        for shop in _shops(tracked, before, instance):
            if changes := _changes(tracked, before, instance, update_fields, shop):
                record(tracked.kind, f"changed {name}: {changes}", shop)

    def deleted(instance, origin=None, **kwargs):
        if tracked.is_made and _is_asked_for(instance, origin):
            shop = tracked.shop_of(instance)
            record(tracked.kind, f"deleted {tracked.noun} {instance}{_what_goes_with(instance)}", shop)

    uid = f"catalog.activity.{model._meta.label}"
    pre_save.connect(before, sender=model, weak=False, dispatch_uid=f"{uid}.before")
    post_save.connect(saved, sender=model, weak=False, dispatch_uid=f"{uid}.saved")
    # Before, since what belongs to it can still be named; nothing is left of the row if deleting fails.
    pre_delete.connect(deleted, sender=model, weak=False, dispatch_uid=f"{uid}.deleted")


def _defaults(tracked: Tracked, model: type[Model]) -> dict[str, Any]:
    """What a row that nobody has saved yet says."""
    fields = [cast("Field[Any, Any]", model._meta.get_field(name)) for name in tracked.fields]
    return {field.name: field.get_default() for field in fields}


def _changes(
    tracked: Tracked,
    before: dict[str, Any],
    instance: Model,
    saved: Iterable[str] | None,
    told_in: Shop | None,
) -> str:
    """What was changed, and how; of the fields that were saved, if only some were.

    Args:
        told_in: the shop whose people read it: no other shop is named to them.
    """
    told = []
    for name in tracked.fields:
        field = cast("Field[Any, Any]", instance._meta.get_field(name))
        old, new = before.get(name), getattr(instance, field.attname)
        is_saved = saved is None or name in saved or field.attname in saved
        if not is_saved or name not in before or str(old) == str(new):
            continue
        if field.related_model is Shop:
            told.append(
                "it came from another shop" if told_in and told_in.pk == new else "it went to another shop"
            )
        else:
            told.append(f"{field.verbose_name} from {_shown(field, old)} to {_shown(field, new)}")
    secrets = [name for name in tracked.secrets if saved is None or name in saved]
    told += [f"{name} changed" for name in secrets if before.get(name) != getattr(instance, name)]
    return "; ".join(told)


def _shops(tracked: Tracked, before: dict[str, Any], instance: Model) -> list[Shop | None]:
    """The shops that a change is told in: also the one that a row has left."""
    shop = tracked.shop_of(instance)
    left = before.get("shop") if "shop" in tracked.fields else None
    if shop is None or left is None or left == shop.pk:
        return [shop]
    return [shop, *Shop.objects.filter(pk=left)]


def _shown(field: Field, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value in (None, ""):
        return "nothing"
    if field.related_model:
        return str(cast("type[Model]", field.related_model)._default_manager.filter(pk=value).first())
    return str(dict(field.flatchoices).get(value, value))


def _is_asked_for(instance: Model, origin: Model | QuerySet | None) -> bool:
    """Whether a row itself is deleted, and not with another one that it belongs to."""
    return isinstance(origin, type(instance)) or getattr(origin, "model", None) is type(instance)


def _what_goes_with(instance: Model) -> str:
    """What is deleted with a row, by name."""
    if not current_actor():
        return ""
    if isinstance(instance, Product):
        return _with({"photo": instance.images.values_list("filename", flat=True)})
    if isinstance(instance, Shop):
        products, tokens = (
            instance.products.values_list("name", flat=True),
            instance.api_tokens.values_list("name", flat=True),
        )
        return _with({"product": products, "token": tokens})
    return ""


def _with(kinds: dict[str, Iterable[str]]) -> str:
    told = []
    for noun, rows in kinds.items():
        if len(names := list(rows)) == 1:
            told.append(f"its {noun} {names[0]}")
        elif names:
            told.append(f"its {counted(len(names), noun)} {some(names)}")
    return f" with {' and '.join(told)}" if told else ""


# --- members and rights ----------------------------------------------------------------------------


def record_links(instance: Model, action: str, reverse: bool, model: type[Model], pk_set, **kwargs):
    """A shop's members, a person's or a group's rights: who or what was added and taken away."""
    verbs = {"post_add": "gave", "post_remove": "took from", "pre_clear": "took all from"}
    if action not in verbs or not current_actor() or (pk_set is not None and not pk_set):
        return
    others: Any = model._default_manager.filter(pk__in=pk_set) if pk_set is not None else []
    if model is Permission:
        others = others.select_related("content_type")  # in its name
    names = some(map(str, others))
    if isinstance(instance, Shop) or model is Shop:
        shops = [instance] if isinstance(instance, Shop) else cast("list[Shop]", list(others))
        people = names if isinstance(instance, Shop) else str(instance)
        verb = "added to" if action == "post_add" else "removed from"
        for shop in shops or ():
            record(Kind.SHOP, f"{verb} the members of {shop}: {people or 'all'}", shop)
        return
    record(Kind.PERSON, f"{verbs[action]} {instance}: {names or model._meta.verbose_name_plural}")


# --- logins ----------------------------------------------------------------------------------------


def _address(request) -> str:
    return (request.META.get("REMOTE_ADDR") or "") if request is not None else ""


def record_logged_in(request, user, **kwargs):
    record(Kind.LOGIN, "logged in", actor=Actor(user.get_username(), False, _address(request)))


def record_logged_out(request, user, **kwargs):
    if user is not None:
        record(Kind.LOGIN, "logged out", actor=Actor(user.get_username(), False, _address(request)))


def record_failed_login(credentials, request=None, **kwargs):
    name = "".join(char for char in str(credentials.get("username", "")) if char.isprintable())
    record_login("did not log in: wrong name, password or code", name, _address(request))


def connect() -> None:
    """Record everything that this app knows of; other apps `track` their own models."""
    person = get_user_model()
    rights = ("is_active", "is_staff", "is_superuser")
    track(
        Product,
        Tracked(
            Kind.PRODUCT,
            "the product",
            ("name", "sku", "barcode", "price", "unit", "is_active", "shop"),
            lambda product: product.shop,
        ),
    )
    track(Shop, Tracked(Kind.SHOP, "the shop", ("name", "slug", "currency"), lambda shop: shop))
    fields = ("name", "scopes", "expires_at", "revoked_at")
    track(ApiToken, Tracked(Kind.TOKEN, "the token", fields, lambda token: token.shop, ("digest",)))
    of_person = ("username", "email", "first_name", "last_name", *rights)
    track(person, Tracked(Kind.PERSON, "the person", of_person, lambda _: None, ("password",)))
    track(Group, Tracked(Kind.PERSON, "the group", ("name",), lambda _: None))
    uid = "catalog.activity"
    photos.connect()
    for through in (
        Shop.members.through,
        person.groups.through,
        person.user_permissions.through,
        Group.permissions.through,
    ):
        m2m_changed.connect(record_links, sender=through, dispatch_uid=f"{uid}.{through.__name__}")
    user_logged_in.connect(record_logged_in, dispatch_uid=f"{uid}.in")
    user_logged_out.connect(record_logged_out, dispatch_uid=f"{uid}.out")
    user_login_failed.connect(record_failed_login, dispatch_uid=f"{uid}.failed")
