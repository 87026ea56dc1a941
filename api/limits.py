"""What one GraphQL document may ask for: size, depth, aliases, fields and cost.

All of it is judged before the document is validated, since validating a hostile one is itself expensive.
"""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
)

from api.errors import TOO_COMPLEX, ApiError

MAX_PAGE = 100
MAX_TOKENS = 2000
MAX_DEPTH = 12
MAX_ALIASES = 20
MAX_FIELDS = 500  # written in the document, fragments counted once
MAX_COST = 150_000  # values that may be answered: a page's content counts once for each item asked for


def parse_document(query: str) -> DocumentNode:
    """Parse a query.

    Raises:
        ApiError: (TOO_COMPLEX) it is too long or too deeply nested.
        GraphQLSyntaxError: it is no GraphQL.
    """
    if len(query) > 20 * MAX_TOKENS:
        raise ApiError(f"The query has more than {20 * MAX_TOKENS} characters.", TOO_COMPLEX)
    try:
        return parse(query, max_tokens=MAX_TOKENS)
    except RecursionError as error:
        raise ApiError("The query is nested too deeply.", TOO_COMPLEX) from error
    except GraphQLSyntaxError as error:
        if any(words in error.message for words in ("tokens", "nested too deeply")):
            raise ApiError("The query is too long or nested too deeply.", TOO_COMPLEX) from error
        raise


def root_fields(document: DocumentNode) -> set[str]:
    """The names of the fields that all operations of a document begin with; "" stands for a fragment."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    nodes = [node for operation in operations for node in operation.selection_set.selections]
    return {node.name.value if isinstance(node, FieldNode) else "" for node in nodes}


@dataclass(frozen=True)
class Measure:
    """How much a part of a document asks for."""

    cost: int = 0
    depth: int = 0
    aliases: int = 0
    fields: int = 0

    def __add__(self, other: "Measure") -> "Measure":
        return Measure(
            self.cost + other.cost,
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.fields + other.fields,
        )


def check_limits(document: DocumentNode, variables: dict | None) -> None:
    """Refuse a document that asks for too much.

    Args:
        variables: page sizes given as variables are read from here; None: cost is not judged yet.
    Raises:
        ApiError: (TOO_COMPLEX) says which limit; (BAD_INPUT) a fragment contains itself.
    """
    measurer = _Measurer(document, variables or {})
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    measures = [measurer.measure(operation.selection_set, MAX_PAGE) for operation in operations]
    for measure in [*measures, measurer.measure_unused()]:
        cost = 0 if variables is None else measure.cost
        for value, most, what in (
            (measure.fields, MAX_FIELDS, "fields"),
            (measure.aliases, MAX_ALIASES, "aliases"),
            (measure.depth, MAX_DEPTH, "levels"),
            (cost, MAX_COST, "values at the page sizes it asks for"),
        ):
            if value > most:
                text = f"The query asks for {min(value, 10**9)} {what}; at most {most} are answered."
                raise ApiError(text, TOO_COMPLEX)


class _Measurer:
    """Walks a document once: fragments are measured once for each page size they stand in."""

    def __init__(self, document: DocumentNode, variables: dict):
        self.variables = variables
        self.known: dict[tuple[str, int], Measure] = {}  # by fragment and page size
        self.inside: set[str] = set()
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def measure_unused(self) -> Measure:
        """Fragments that no operation uses: they are validated all the same."""
        used = {name for name, _ in self.known}
        return sum((self._fragment(name, 1) for name in self.fragments if name not in used), Measure())

    def measure(self, selections: SelectionSetNode | None, page: int) -> Measure:
        total = Measure()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                total += self._field(node, page)
            elif isinstance(node, FragmentSpreadNode):
                total += self._fragment(node.name.value, page)
            elif isinstance(node, InlineFragmentNode):
                total += self.measure(node.selection_set, page)
        return total

    def _field(self, node: FieldNode, page: int) -> Measure:
        name = node.name.value
        inner = self.measure(node.selection_set, self._page(node))
        times = page if name == "edges" else 1
        # How deep introspection goes has a rule of its own, `MaxIntrospectionDepthRule`.
        depth = 1 if name in {"__schema", "__type"} else inner.depth + 1
        aliases = inner.aliases + (node.alias is not None)
        return Measure(1 + times * inner.cost, depth, aliases, inner.fields + 1)

    def _fragment(self, name: str, page: int) -> Measure:
        if name in self.inside:
            raise ApiError(f"The fragment {name[:60]} contains itself.")
        if (name, page) not in self.known:
            fragment = self.fragments.get(name)
            self.inside.add(name)
            self.known[name, page] = self.measure(fragment.selection_set if fragment else None, page)
            self.inside.discard(name)
        return self.known[name, page]

    def _page(self, node: FieldNode) -> int:
        """How many items a connection may answer at this field; the largest page if it does not say."""
        sizes = [
            self._number(argument.value)
            for argument in node.arguments
            if argument.name.value in {"first", "last"}
        ]
        return max(0, min([MAX_PAGE, *(size for size in sizes if size is not None)]))

    def _number(self, value) -> int | None:
        if isinstance(value, VariableNode):
            number = self.variables.get(value.name.value)
            return number if type(number) is int else None
        is_short = isinstance(value, IntValueNode) and len(value.value) < 12
        return int(value.value) if is_short else None
