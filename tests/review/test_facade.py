"""The façade: every name it offers can be had, also after its modules were imported."""

import types

import pytest

from analysis import review


@pytest.mark.parametrize("name", review.__all__)
def test_a_name_of_the_facade_is_never_a_module(name):
    for _ in range(2):
        assert not isinstance(getattr(review, name), types.ModuleType)
