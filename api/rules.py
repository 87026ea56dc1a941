"""Rules that a GraphQL document has to keep, beside those of the language."""

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValidationRule,
)

CONDITIONS = {GraphQLSkipDirective.name, GraphQLIncludeDirective.name}


class NoConditionalSubscription(ValidationRule):
    """What is subscribed to is always asked for: with nothing left, graphql-core has nothing to listen to.

    Fragments that contain themselves are refused before, by `api.limits`.
    """

    def enter_operation_definition(self, node: OperationDefinitionNode, *_args) -> None:
        if node.operation is OperationType.SUBSCRIPTION and self._has_condition(node.selection_set):
            text = "The field that is subscribed to takes neither @skip nor @include. Leave them out."
            self.report_error(GraphQLError(text, node))

    def _has_condition(self, selections: SelectionSetNode) -> bool:
        for node in selections.selections:
            if any(directive.name.value in CONDITIONS for directive in node.directives):
                return True
            inner = (
                self.context.get_fragment(node.name.value) if isinstance(node, FragmentSpreadNode) else node
            )
            if isinstance(inner, FragmentDefinitionNode | InlineFragmentNode) and self._has_condition(
                inner.selection_set
            ):
                return True
        return False
