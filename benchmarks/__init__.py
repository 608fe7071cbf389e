"""Timings of the engine beside its peers; run with ``make bench``."""
