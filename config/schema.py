"""The GraphQL schema: what each app brings, joined. `schema.graphql` is its printed form."""

import graphene
from graphene import relay
from graphql_relay import from_global_id

import catalog.graphql.mutations
import catalog.graphql.queries
import ml_training.graphql.advice
import ml_training.graphql.deep
import ml_training.graphql.link
import ml_training.graphql.mutations
import ml_training.graphql.queries
import ml_training.graphql.trainer
import notifications.schema
import notifications.subscription
from api.errors import ApiError
from api.fields import READ_BY, state_readers


class Query(
    catalog.graphql.queries.Query,
    ml_training.graphql.queries.Query,
    ml_training.graphql.advice.Query,
    notifications.schema.Query,
    graphene.ObjectType,
):
    """What can be read. Lists are Relay connections of at most 100 items a page."""

    node = graphene.Field(
        relay.Node,
        id=graphene.ID(required=True, description="A global id, as the field id of any object."),
        description=f"Any object by its global id; null if there is none. {READ_BY}as the object.",
    )

    def resolve_node(self, info, id):
        try:
            kind, pk = from_global_id(id)
        except (ValueError, UnicodeError) as error:
            raise ApiError("This is no global id.") from error
        graphene_type = getattr(info.schema.get_type(kind), "graphene_type", None)
        is_number = pk.isascii() and pk.isdecimal() and len(pk) < 19
        if not is_number or not hasattr(graphene_type, "get_node"):
            raise ApiError("This is no global id.")
        return graphene_type.get_node(info, int(pk))


class Mutation(
    catalog.graphql.mutations.Mutation,
    ml_training.graphql.mutations.Mutation,
    ml_training.graphql.deep.Mutation,
    ml_training.graphql.link.Mutation,
    ml_training.graphql.trainer.Mutation,
    notifications.schema.Mutation,
    graphene.ObjectType,
):
    """What can be changed. Nothing starts a training: changed photos do."""


schema = state_readers(
    graphene.Schema(query=Query, mutation=Mutation, subscription=notifications.subscription.Subscription)
)
