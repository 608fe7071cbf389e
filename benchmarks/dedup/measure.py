"""Precision, recall and false merges of deduplication tools on labelled folders."""

from __future__ import annotations

import argparse
import csv
import resource
import time
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

Row = dict[str, str]
Groups = Iterable[Iterable[int]]
FIELDS = ("title", "author", "year", "journal", "volume", "number", "pages", "doi", "abstract")


def read_rows(folder: Path) -> list[Row]:
    """Return the records of a labelled folder."""
    with (folder / "records_pre_merged.csv").open(encoding="utf-8-sig", newline="") as file:
        return [
            {"ID": row["ID"], "ENTRYTYPE": row.get("ENTRYTYPE") or "article"}
            | {name: row.get(name) or "" for name in FIELDS}
            | {"booktitle": row.get("booktitle") or ""}
            for row in csv.DictReader(file)
        ]


def read_truth(folder: Path, rows: list[Row]) -> set[tuple[int, int]]:
    """Return the labelled pairs as indices of rows."""
    place = {row["ID"]: index for index, row in enumerate(rows)}
    with (folder / "merged_record_ids.csv").open(encoding="utf-8-sig", newline="") as file:
        groups = [line[0].split(";") for line in list(csv.reader(file))[1:] if line]
    return _pairs([place[key] for key in group if key in place] for group in groups)


def _pairs(groups: Groups) -> set[tuple[int, int]]:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def by_rules(rows: list[Row]) -> dict[str, set[tuple[int, int]]]:
    """Use the rules of this repository."""
    from analysis.living.records.dedup import deduplicate
    from analysis.living.records.record import Record, clean_doi, clean_year

    records = [
        Record(
            source="labelled set",
            file="records_pre_merged.csv",
            position=index + 1,
            title=row["title"],
            authors=tuple(name for name in row["author"].split(" and ") if name),
            year=clean_year(row["year"]),
            journal=row["journal"] or row["booktitle"],
            volume=row["volume"],
            issue=row["number"],
            pages=row["pages"],
            doi=clean_doi(row["doi"]),
        )
        for index, row in enumerate(rows)
    ]
    found = deduplicate(records)
    return {
        "rules": _pairs(found.groups),
        "rules + check list": _pairs(found.groups) | {(item.first, item.second) for item in found.to_check},
    }


def by_bib_dedupe(rows: list[Row]) -> dict[str, set[tuple[int, int]]]:
    """Use bib-dedupe with its own defaults on one processor."""
    import pandas as pd
    from bib_dedupe.bib_dedupe import block, cluster, match, prep

    frame = pd.DataFrame(rows)
    prepared = prep(frame, verbosity_level=0, cpu=1)
    matched = match(block(prepared, verbosity_level=0, cpu=1), verbosity_level=0, cpu=1)
    place = {row["ID"]: index for index, row in enumerate(rows)}
    return {"bib-dedupe": _pairs([place[key] for key in group] for group in cluster(matched))}


def by_splink(rows: list[Row]) -> dict[str, set[tuple[int, int]]]:
    """Use splink on DuckDB, trained without labels on the set itself."""
    import duckdb
    import pandas as pd
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    from analysis.living.records.normal import fold_journal, fold_title, page_span, surname

    table = []
    for index, row in enumerate(rows):
        title = fold_title(row["title"])
        authors = [name for name in row["author"].split(" and ") if name]
        table.append(
            {
                "unique_id": index,
                "title": title or None,
                "start": title[:20] or None,
                "finish": title[-20:] or None,
                "name": (surname(authors[0]) if authors else "") or None,
                "year": row["year"] or None,
                "journal": " ".join(fold_journal(row["journal"] or row["booktitle"])) or None,
                "volume": row["volume"] or None,
                "page": page_span(row["pages"])[0] or None,
                "doi": row["doi"].lower() or None,
            }
        )
    frame = pd.DataFrame(table)
    has_doi = bool(frame["doi"].notna().any())
    comparisons = [
        cl.JaroWinklerAtThresholds("title", [0.97, 0.92, 0.85]),
        cl.JaroWinklerAtThresholds("name", [0.92]),
        cl.ExactMatch("year"),
        cl.JaroWinklerAtThresholds("journal", [0.9]),
        cl.ExactMatch("volume"),
        cl.ExactMatch("page"),
    ]
    rules = [
        block_on("start"),
        block_on("finish"),
        block_on("volume", "page"),
        block_on("name", "page"),
    ]
    if has_doi:
        comparisons.append(cl.ExactMatch("doi"))
        rules.append(block_on("doi"))
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
    )
    database = DuckDBAPI(duckdb.connect())
    linker = Linker(database.register(frame), settings, log_level=40)
    linker.training.estimate_probability_two_random_records_match([block_on("title")], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("start"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("volume", "page"))
    predictions = linker.inference.predict(threshold_match_probability=0.5)
    scored = predictions.as_pandas_dataframe()
    found = {}
    for threshold in (0.9, 0.99, 0.9999):
        kept = scored[scored["match_probability"] >= threshold]
        edges = zip(kept["unique_id_l"].tolist(), kept["unique_id_r"].tolist(), strict=True)
        found[f"splink p >= {threshold}"] = _pairs(_components(edges, len(rows)))
    return found


def _components(edges: Iterable[tuple[int, int]], count: int) -> list[list[int]]:
    parent = list(range(count))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for a, b in edges:
        parent[root(int(a))] = root(int(b))
    groups: dict[int, list[int]] = {}
    for index in range(count):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


TOOLS: dict[str, Callable[[list[Row]], dict[str, set[tuple[int, int]]]]] = {
    "rules": by_rules,
    "bib-dedupe": by_bib_dedupe,
    "splink": by_splink,
}


def main() -> None:
    """Measure the chosen tools on the chosen folders and print one row each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--tool", action="append", choices=[*TOOLS], help="default: rules")
    parser.add_argument("--show", type=int, default=0, help="print so many false merges")
    args = parser.parse_args()
    print("| set | records | tool | precision | recall | false merges | missed | s | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for folder in args.folders:
        rows = read_rows(folder)
        truth = read_truth(folder, rows)
        for tool in args.tool or ["rules"]:
            start = time.perf_counter()
            results = TOOLS[tool](rows)
            seconds = time.perf_counter() - start
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            for name, found in results.items():
                right, false = len(found & truth), sorted(found - truth)
                print(
                    f"| {folder.name} | {len(rows)} | {name} | {right / max(1, len(found)):.4f} "
                    f"| {right / max(1, len(truth)):.4f} | {len(false)} | {len(truth) - right} "
                    f"| {seconds:.1f} | {memory:.0f} |",
                    flush=True,
                )
                for a, b in false[: args.show]:
                    print(f"    {rows[a]}\n    {rows[b]}")


if __name__ == "__main__":
    main()
