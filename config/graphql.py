"""The GraphQL endpoint: staff sessions, with Django's CSRF protection."""

from graphene.validation import depth_limit_validator
from graphene_django.views import GraphQLView
from graphql import specified_rules

DEEPEST = 12


class GraphQLEndpoint(GraphQLView):
    """POST /graphql/. `validation_rules` replaces the standard rules, so they are named beside ours."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.validation_rules = [*specified_rules, depth_limit_validator(max_depth=DEEPEST)]
