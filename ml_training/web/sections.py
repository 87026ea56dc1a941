"""The sections of Settings > ML Model: each is a template, rendered with the viewer's own rights.

The page and the script that keeps it up to date get the same HTML from here.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from catalog.formatting import percent_number
from catalog.models import Shop
from catalog.permissions import VIEW_PHOTOS, VIEW_PRODUCTS
from ml_training.advice.charts import shop_charts
from ml_training.advice.shop import shop_advice
from ml_training.models import ShopTraining
from ml_training.permissions import PREPARE_TRAINING, VIEW_VERSIONS
from ml_training.status.held_back import held_back_for
from ml_training.status.observed import observed_in_words
from ml_training.status.runs import training_history
from ml_training.status.shop import TrainingInfo, training_info
from ml_training.status.versions import versions_for

CATALOGUE = (VIEW_PRODUCTS, VIEW_PHOTOS)  # advice and charts name products


class Viewing:
    """Somebody who looks at a shop's page; what several sections show is read once."""

    def __init__(self, request: HttpRequest, shop: Shop):
        self.user, self.shop = request.user, shop

    @cached_property
    def info(self) -> TrainingInfo:
        return training_info(self.shop)


class Section(NamedTuple):
    values: Callable[[Viewing], dict[str, Any]]  # for its template, beside the shop
    permissions: tuple[str, ...] = ()  # without which it is not there


def _status(viewing: Viewing) -> dict[str, Any]:
    names_wrong = ShopTraining.of(viewing.shop).names_wrong
    values = {"info": viewing.info, "names_wrong": percent_number(names_wrong)}
    values["observed"] = observed_in_words(viewing.shop)
    return values | _actions(viewing) | held_back_for(viewing.user, viewing.shop, viewing.info)


def _actions(viewing: Viewing) -> dict[str, Any]:
    return {"may_prepare": viewing.user.has_perm(PREPARE_TRAINING)}


# By name, in the order of the page. The template of each is admin/ml_model/<name>.html.
SECTIONS = {
    "status": Section(_status),
    "files": Section(lambda viewing: {"info": viewing.info}),
    "actions": Section(_actions),
    "advice": Section(lambda viewing: {"advice": shop_advice(viewing.shop)}, CATALOGUE),
    "charts": Section(lambda viewing: {"charts": shop_charts(viewing.shop)}, CATALOGUE),
    "versions": Section(lambda viewing: versions_for(viewing.user, viewing.shop), (VIEW_VERSIONS,)),
    "history": Section(lambda viewing: {"history": training_history(viewing.shop)}),
}


def render_sections(
    request: HttpRequest, shop: Shop, names: Iterable[str] = SECTIONS
) -> dict[str, SafeString]:
    """Render some sections; those that this user may not see, or that there are not, are left out."""
    viewing = Viewing(request, shop)
    return {
        name: render_to_string(
            f"admin/ml_model/{name}.html", {"shop": shop, **SECTIONS[name].values(viewing)}, request
        )
        for name in dict.fromkeys(names)
        if name in SECTIONS and request.user.has_perms(SECTIONS[name].permissions)
    }
