"""The GraphQL subscription `mlStatus`: how a shop's recogniser is, at once and whenever that changes.

A push is a hint: the row is read again with every change of state, and now and then without one.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import graphene

from api.fields import read_by, shop_id_argument
from catalog.models import Shop
from ml_training.events import CHANGED, COMPLETED, FAILED, PROGRESS, QUEUED, STARTED
from ml_training.graphql.types import MAY_READ_TRAINING, MLTrainingInfo
from ml_training.status.shop import TRAINING, TrainingInfo, training_info
from notifications.push import shop_group

SNAPSHOT = "snapshot"
RECHECK_SECONDS = 15

MLStatusKind = graphene.Enum(
    "MLStatusKind",
    [(kind.upper(), kind) for kind in (SNAPSHOT, QUEUED, STARTED, PROGRESS, COMPLETED, FAILED, CHANGED)],
    description="What happened. SNAPSHOT: nothing, it is how things are. CHANGED: another version serves.",
)


class MLStatusUpdate(graphene.ObjectType):
    class Meta:
        description = f"Something that happened to a shop's recogniser. {read_by(*MAY_READ_TRAINING)}"

    kind = graphene.Field(MLStatusKind, required=True, description="What happened.")
    run_id = graphene.ID(description="databaseId of the run it happened to.")
    message = graphene.String(required=True, description="In words; may be empty.")
    ml_training_info = graphene.Field(MLTrainingInfo, required=True, description="How things are now.")


class Subscription(graphene.ObjectType):
    """What is told over a websocket, with the protocol graphql-transport-ws."""

    ml_status = graphene.Field(
        MLStatusUpdate,
        required=True,
        shop_id=shop_id_argument(),
        description="How a shop's recogniser is, and then whatever happens to it; progress at most four "
        f"times a second. {read_by(*MAY_READ_TRAINING)}",
    )

    async def subscribe_ml_status(self, info, shop_id=None):
        shop = await info.context.read(_shop, info.context, shop_id)
        return _updates(info.context, shop)

    def resolve_ml_status(self, info, shop_id=None):
        return self


def _shop(context, shop_id) -> Shop:
    context.access.require(*MAY_READ_TRAINING)
    return context.access.shop(shop_id)


async def _updates(context, shop: Shop) -> AsyncIterator[MLStatusUpdate]:
    async with context.listen(shop_group(shop.pk)) as queue:
        known = await _read(context, shop)
        yield MLStatusUpdate(SNAPSHOT, known.run_id, "", known)
        while True:
            event = await _next_event(queue, shop)
            if event is not None and event["kind"] == PROGRESS:
                if event["sequence"] < known.sequence:
                    continue  # of a run that has ended
                known = replace(known, status=TRAINING, progress=event["progress"], phase=event["phase"])
            else:
                await context.renew()
                now = await _read(context, shop)
                if event is None and _same(now, known):
                    continue
                known = now
            event = event or {"kind": SNAPSHOT, "run_id": known.run_id, "message": ""}
            yield MLStatusUpdate(event["kind"], event["run_id"], event["message"], known)


async def _next_event(queue: asyncio.Queue, shop: Shop) -> dict | None:
    """What was pushed of a shop, or None when nothing was for a while."""
    try:
        async with asyncio.timeout(RECHECK_SECONDS):
            while True:
                event = (await queue.get()).get("data", {})
                if event.get("shop_id") == shop.pk and "kind" in event:
                    return event
    except TimeoutError:
        return None


def _same(one: TrainingInfo, other: TrainingInfo) -> bool:
    return (one.sequence, one.status, one.progress) == (other.sequence, other.status, other.progress)


async def _read(context, shop: Shop) -> TrainingInfo:
    """How things are. Raises ApiError once the caller may not see it any more."""
    return await context.read(lambda: training_info(_shop(context, shop.pk)))
