"""What is mutated: code, not annotations, by Cosmic Ray's operators and a few more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.operators.operator import Operator
from parso.python.tree import Keyword

Position = tuple[tuple[int, int], tuple[int, int]]

# where `*`, `**` and `/` are no arithmetic: def f(x, /, *, y), {**options}
NOT_BINARY = {"parameters", "lambdef", "dictorsetmaker"}
# what an annotation stands in, and the token before it
ANNOTATIONS = {("annassign", ":"), ("tfpdef", ":"), ("funcdef", "->")}


class Mutation(NamedTuple):
    """One change: an operator at the ``occurrence``-th place of a module where it applies."""

    module: str
    function: str
    operator: str
    occurrence: int
    line: int


class OwnOperator(Operator):
    """An operator that Cosmic Ray lacks."""

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class ReplaceAugmentedAssignment(OwnOperator):
    tokens: ClassVar = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "//=": "*=", "|=": "&=", "&=": "|="}

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        if node.type == "operator" and node.value in self.tokens:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.value = self.tokens[node.value]
        return node


class ReplaceMatrixProduct(ReplaceAugmentedAssignment):
    tokens: ClassVar = {"@": "*"}

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        return iter(()) if node.parent is None or node.parent.type == "decorator" else super().mutation_positions(node)


class NegateMembership(OwnOperator):
    """``not in`` in place of ``in``, and the other way round."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        if node.type == "keyword" and node.value == "in" and node.parent.type in ("comparison", "comp_op"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        if node.parent.type == "comparison":
            node.value = "not in"
        else:
            node.parent.children[0].value = ""
        return node


class RemoveStatement(OwnOperator):
    """``pass`` in place of a call for its effect, or of a ``raise``."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        if node.parent is not None and node.parent.type == "simple_stmt":
            called = node.type == "atom_expr" and node.children[-1].get_first_leaf().value == "("
            if called or node.get_first_leaf().value == "raise":
                yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return Keyword("pass", node.start_pos, node.get_first_leaf().prefix)


OWN = (ReplaceAugmentedAssignment, ReplaceMatrixProduct, NegateMembership, RemoveStatement)


def operator_named(name: str) -> Operator:
    own = {operator.__name__: operator for operator in OWN}
    return own[name]() if name in own else cosmic_ray.plugins.get_operator(f"core/{name}")()


def mutations(module: str, operators: Iterable[str], kept_decorators: Iterable[str]) -> list[Mutation]:
    """Return every mutation of a module's code, in the order of its lines."""
    nodes = list(ast_nodes(get_ast(Path(module).read_text(encoding="utf-8"))))
    found = []
    for name in operators:
        operator = operator_named(name)
        places = ((node, position) for node in nodes for position in operator.mutation_positions(node))
        for occurrence, (node, position) in enumerate(places):
            if is_code(node, kept_decorators) and not is_vain(name, node):
                found.append(Mutation(module, function_of(node), name, occurrence, position[0][0]))
    return sorted(found, key=lambda mutation: (mutation.line, mutation.operator, mutation.occurrence))


def is_code(node: Any, kept_decorators: Iterable[str]) -> bool:
    """Say if a node is run: it is no annotation, no stub, and nothing that only the type checker sees."""
    if node.type == "decorator" and decorator_name(node) in kept_decorators:
        return False
    if node.type == "operator" and node.value in ("*", "**", "/") and node.parent.type in NOT_BINARY:
        return False
    while node.parent is not None:
        before = node.get_previous_sibling()
        if (node.parent.type, getattr(before, "value", None)) in ANNOTATIONS:
            return False
        if node.type == "if_stmt" and node.children[1].get_code().strip() == "TYPE_CHECKING":
            return False
        if node.type in ("classdef", "funcdef") and "overload" in map(decorator_name, node.get_decorators()):
            return False
        node = node.parent
    return True


def is_vain(operator: str, node: Any) -> bool:
    """Say if another operator makes the same change, or if only another bug could show it: ``zip(strict=True)``."""
    if operator == "AddNot":
        condition = node.children[2 if node.type == "test" else 1]
        return condition.type in ("comparison", "not_test")
    return operator == "ReplaceTrueWithFalse" and node.parent.get_code().strip() == "strict=True"


def decorator_name(decorator: Any) -> str:
    return str(decorator.children[1].get_code()).partition("(")[0].rpartition(".")[2].strip()


def function_of(node: Any) -> str:
    """Return the name of the function or class around a node: ``Tensor.backward``, or nothing."""
    names: list[str] = []
    while node is not None:
        if node.type in ("funcdef", "classdef"):
            names.insert(0, node.name.value)
        node = node.parent
    return ".".join(names)
