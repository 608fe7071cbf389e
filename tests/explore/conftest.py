"""Views drawn once and answered once by the Python code, for node and for the browser."""

import sys

import pytest

from analysis.review.explore import explore_payload
from analysis.review.session import load
from tests.explore.reference import expected, random_states

VIEWS = 200
SEED = 20260711


@pytest.fixture(scope="session")
def evidence():
    return load()


@pytest.fixture(scope="session")
def payload(evidence):
    return explore_payload(evidence)


@pytest.fixture(scope="session")
def views(evidence, payload):
    """Random views as pairs of state and expected answer."""
    return [(state, expected(evidence, state)) for state in random_states(payload, VIEWS, SEED)]


@pytest.fixture
def report(capsys):
    """Say a measured value in the run's own output."""

    def say(text):
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return say
