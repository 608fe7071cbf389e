"""Seconds and memory of deduplication on synthetic records with planted duplicates."""

from __future__ import annotations

import argparse
import random
import resource
import time
from dataclasses import replace

from analysis.living.records.dedup import deduplicate
from analysis.living.records.record import Record

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _word(chance: random.Random, low: int, high: int) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randint(low, high)))


def synthetic_records(count: int, seed: int = 1) -> tuple[list[Record], int]:
    """Return records, nearly a quarter of them copies with a misprint and fields left out."""
    chance = random.Random(seed)
    words = [_word(chance, 3, 11) for _ in range(6000)]
    names = [_word(chance, 4, 9).title() for _ in range(8000)]
    journals = [" ".join(chance.choices(words, k=3)).title() for _ in range(800)]
    records: list[Record] = []
    planted = 0
    while len(records) < count:
        first = chance.randint(1, 2500)
        record = Record(
            source="synthetic A",
            file="a",
            position=len(records) + 1,
            title=" ".join(chance.choices(words, k=chance.randint(7, 16))),
            authors=tuple(
                f"{chance.choice(names)}, {chance.choice('ABC')}." for _ in range(chance.randint(1, 8))
            ),
            year=chance.randint(1995, 2026),
            journal=chance.choice(journals),
            volume=str(chance.randint(1, 120)),
            pages=f"{first}-{first + 8}",
            doi=f"10.5555/x{len(records)}",
            abstract=" ".join(chance.choices(words, k=180)),
        )
        records.append(record)
        if chance.random() < 0.3 and len(records) < count:
            title = list(record.title)
            title[chance.randrange(len(title))] = "x"
            records.append(
                replace(
                    record,
                    source="synthetic B",
                    file="b",
                    position=len(records) + 1,
                    title="".join(title),
                    authors=tuple(name.upper() for name in record.authors),
                    pages=record.pages if chance.random() < 0.8 else "",
                    doi=record.doi if chance.random() < 0.5 else "",
                )
            )
            planted += 1
    return records, planted


def main() -> None:
    """Print one row a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000])
    print("| records | planted | found | to check | s | records/s | peak MB (records included) |")
    print("|---|---|---|---|---|---|---|")
    for size in parser.parse_args().sizes:
        records, planted = synthetic_records(size)
        start = time.perf_counter()
        found = deduplicate(records)
        seconds = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        counts = found.to_dict()
        print(
            f"| {size} | {planted} | {counts['duplicates']} | {counts['to_check']} | {seconds:.1f} "
            f"| {size / seconds:.0f} | {memory:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
