"""Mutants of a module by the operators of cosmic-ray, and a stratified sample of them.

Left out are changes of type annotations, which nothing reads at run time, and operators whose mutants mostly
raise a TypeError (bit shifts of floats, removed decorators): they would flatter the share of killed ones.
"""

from __future__ import annotations

import ast
import difflib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

__all__ = ["OPERATORS", "Mutant", "change", "core", "in_function", "mutants_of", "mutated", "sample"]

#: Not numeric; held to its twin by tests (the compiled engine, which a change would have to recompile); or
#: likelihoods of two arms, whose shortest tests take seconds and would take most of the run.
_NOT_CORE = frozenset({
    "__init__", "_engine", "_kernels", "pooled", "types", "_two_arm_likelihood", "_random_studies_likelihood",
    "glmm_random_studies", "glmm_two_by_two",
})  # fmt: skip
_BINARY = ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div", "Mod_Mul", "Pow_Mul")
_LOGICAL = ("BitAnd_BitOr", "BitOr_BitAnd")
_COMPARISON = (
    "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt",
    "Is_IsNot", "IsNot_Is",
)  # fmt: skip
OPERATORS = (
    *(f"ReplaceBinaryOperator_{name}" for name in _BINARY + _LOGICAL),
    *(f"ReplaceComparisonOperator_{name}" for name in _COMPARISON),
    *(f"ReplaceUnaryOperator_Delete_{name}" for name in ("USub", "Invert", "Not")),
    "AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer",
    "ZeroIterationForLoop",
)  # fmt: skip


class Mutant(NamedTuple):
    """The `occurrence`-th place at which `operator` can change `module`."""

    module: str
    operator: str
    occurrence: int
    line: int


class _Places(Visitor):
    """Collects where an operator can change a tree, in the order in which cosmic-ray counts."""

    def __init__(self, operator: object) -> None:
        self.operator = operator
        self.found: list[tuple[int, int]] = []

    def visit(self, node: object) -> object:
        self.found += [start for start, _ in self.operator.mutation_positions(node)]  # type: ignore[attr-defined]
        return node


def core(folder: Path) -> list[Path]:
    """Return the modules of the numeric core."""
    return sorted(path for path in folder.glob("*.py") if path.stem not in _NOT_CORE)


def mutants_of(path: Path) -> list[Mutant]:
    """Return every mutant of a module."""
    source = path.read_text("utf-8")
    tree, spans = get_ast(source), list(_annotations(source))
    made = []
    for operator in OPERATORS:
        places = _Places(get_operator(f"core/{operator}")())
        places.walk(tree)
        made += [
            Mutant(path.stem, operator, i, place[0])
            for i, place in enumerate(places.found)
            if not any(start <= place < stop for start, stop in spans)
        ]
    return made


def _annotations(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            found = getattr(node, name, None)
            if isinstance(found, ast.expr):
                end = (found.end_lineno or 0, found.end_col_offset or 0)
                yield (found.lineno, found.col_offset), end


def mutated(path: Path, mutant: Mutant) -> str:
    """Return the source of the module with the change made."""
    operator = get_operator(f"core/{mutant.operator}")()
    return str(mutate_code(path.read_text("utf-8"), operator, mutant.occurrence))


def in_function(source: str, line: int) -> bool:
    """Whether a line belongs to the body of a function; other lines run when the module is imported."""
    return any(
        node.body[0].lineno <= line <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    )


def change(before: str, after: str) -> tuple[str, str]:
    """Return the changed lines as they were and as they are."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    old = " ".join(line[2:].strip() for line in lines if line.startswith("- "))
    new = " ".join(line[2:].strip() for line in lines if line.startswith("+ "))
    return old, new


def sample(groups: dict[str, list[Mutant]], size: int, seed: int, least: int = 4) -> list[Mutant]:
    """Draw about `size` mutants, each module in proportion and none with fewer than `least`."""
    total = sum(map(len, groups.values()))
    drawn = []
    for module, found in groups.items():
        count = min(len(found), max(least, round(size * len(found) / total)))
        # a stream for each module: a change of one module does not alter the sample of the others
        drawn += sorted(random.Random(f"{seed} {module}").sample(found, count))
    return drawn
