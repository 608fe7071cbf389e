"""Mutation run of the numeric core: ``python -m validation.mutation`` (see README.md here)."""

from __future__ import annotations

__all__: list[str] = []
