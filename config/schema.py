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
from api.fields import READ_BY, read_id, state_readers
from api.nodes import Node

NO_ID = "This is no global id."


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
            raise ApiError(NO_ID) from error
        graphene_type = getattr(info.schema.get_type(kind), "graphene_type", None)
        if not (isinstance(graphene_type, type) and issubclass(graphene_type, Node)):
            raise ApiError(NO_ID)
        return graphene_type.get_node(info, read_id(pk, NO_ID))


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
