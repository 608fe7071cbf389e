"""The columns of a schema: those the program reads have to be there, others a review may add."""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches

from analysis.evidence.contracts import Schema
from analysis.evidence.faults import Fault
from analysis.evidence.rows import CoreRow, columns_of

__all__ = ["column_faults"]

#: First word of the annotation of a core column -> kinds that its schema may give it.
_KINDS = {"int": ("integer",), "float": ("number", "integer"), "Decimal": ("number",), "date": ("date",)}


def column_faults(file: str, schema: Schema, kind: type[CoreRow]) -> tuple[Fault, ...]:
    """Hold the columns of a schema against what the program reads of the table.

    A column beyond the core is declared by the review: it is typed, kept in `extra` of each row and
    counts in the content hash, so its name must be free.
    """
    kinds = {item["name"]: item["type"] for item in schema.fields}
    required = {item["name"] for item in schema.fields if item.get("constraints", {}).get("required") is True}
    core = {item.name: str(item.type) for item in fields(kind) if item.name in columns_of(kind)}
    declared = [name for name in kinds if name not in core]
    faults = []
    for name, annotation in core.items():
        if name not in kinds:
            near = get_close_matches(name, declared, n=1)
            hint = f" (is {near[0]!r} meant for it?)" if near else ""
            problem = f"the schema lacks a column that the program reads{hint}"
            faults.append(Fault(file, 0, name, "", problem, f"a field {name!r}"))
            continue
        allowed = _KINDS.get(annotation.split(" ")[0], (kinds[name],))
        if kinds[name] not in allowed:
            problem = "the program reads another kind of column"
            faults.append(Fault(file, 0, name, kinds[name], problem, " or ".join(allowed)))
        if annotation != "str" and "None" not in annotation and name not in required:
            problem = "the program reads a value in every row"
            faults.append(Fault(file, 0, name, "", problem, "required: true"))
    taken = {name for name in declared if hasattr(kind, name) or name == "row"}
    faults += [
        Fault(file, 0, name, name, "the program uses this name itself", "another name")
        for name in sorted(taken)
    ]
    return tuple(faults)
