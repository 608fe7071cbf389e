"""What the built site holds besides pages: the feed with its schema, and the data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import __version__
from analysis.living.atom import write_living_outputs
from analysis.living.ledger import load_ledger
from analysis.results import DIGITS, settled
from analysis.review.estimates import all_estimates, all_sensitivities
from analysis.review.session import ROOT, load
from analysis.review.trials import trial_estimates
from analysis.synthesis import warm_up

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.living.ledger import Ledger

__all__ = ["SCHEMA", "check_feed", "feed", "write_site_outputs"]

#: The JSON Schema of the feed.
SCHEMA = Path(__file__).with_name("results.schema.json")

_NOTE = (
    "Pooled single-arm rates say how often an outcome was seen after thrombectomy in the studies; "
    "they are not effects of treatment. Proportions lie between 0 and 1; mu, se and tau2 are on the "
    "logit scale. Effects of the randomised trials stand apart; ratios are ratios and differences of risk "
    f"lie between -1 and 1. Numbers carry {DIGITS} significant digits."
)


def feed(evidence: Evidence, ledger: Ledger | None = None) -> dict[str, Any]:
    """Return the feed as one JSON-ready object.

    Parameters
    ----------
    evidence
        What the estimates rest on.
    ledger
        The records behind it; by default those of this repository.
    """
    # The two engines differ beyond the tenth digit; all numbers of the feed shall come from one of them.
    warm_up()
    records = load_ledger() if ledger is None else ledger
    document = {
        "title": evidence.protocol.title,
        "note": _NOTE,
        "software": {"name": "analysis", "version": __version__},
        "data_hash": evidence.data_hash,
        "ledger": {"records": len(records.records), "hash": records.content_hash},
        "current_version": evidence.versions[-1].id,
        "evidence_versions": [
            {"id": item.id, "label": item.label, "cut_off": str(item.cut_off)} for item in evidence.versions
        ],
        "results": all_estimates(evidence),
        "trial_effects": trial_estimates(evidence),
        "sensitivity": all_sensitivities(evidence),
    }
    return settled(document)


def check_feed(document: dict[str, Any]) -> list[str]:
    """Return what is wrong with a feed against its schema, as ``path: problem`` lines."""
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text("utf-8"))
    return [
        f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(document)
    ]


def write_site_outputs(outdir: str | Path) -> list[Path]:
    """Write the feed, its schema, the data tables and what readers can subscribe to.

    Raises
    ------
    ValueError
        When the feed breaks its own schema; nothing is written then.
    """
    target = Path(outdir)
    document = feed(load())
    problems = check_feed(document)
    if problems:
        raise ValueError("results.json breaks its schema:\n" + "\n".join(problems))
    written = [target / "results.json", target / SCHEMA.name]
    written[0].write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", "utf-8")
    shutil.copyfile(SCHEMA, written[1])
    tables = target / "data"
    tables.mkdir(exist_ok=True)
    for source in (*sorted((ROOT / "data").glob("*.csv")), ROOT / "data" / "protocol.yml"):
        written.append(Path(shutil.copyfile(source, tables / source.name)))
    return [*written, *write_living_outputs(target)]
