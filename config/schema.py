"""The GraphQL schema: what each app brings, joined."""

import graphene
from graphene import relay

import catalog.schema
import ml_training.schema


class Query(catalog.schema.Query, ml_training.schema.Query, graphene.ObjectType):
    node = relay.Node.Field(description="Any object by its global id, for those who may read it.")


schema = graphene.Schema(query=Query)
