"""The examples in the documentation of figures and reports are true."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = [
    "analysis.report.numbers",
    "analysis.report.html",
    "analysis.report.tables",
    "analysis.report.words",
    "analysis.figures.text",
    "analysis.figures.svg",
    "analysis.figures.axis",
    "analysis.figures.theme",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    assert result.attempted > 0
