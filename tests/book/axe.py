"""Run axe-core in an open page and list what it finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe" / "axe.min.js"
GRAVE = frozenset({"serious", "critical"})

_RUN = """async (only) => {
  const options = {resultTypes: ["violations"], iframes: false};
  if (only) options.runOnly = {type: "rule", values: only};
  const found = await axe.run(document, options);
  return found.violations.map(v => ({id: v.id, impact: v.impact, help: v.help,
    nodes: v.nodes.map(n => n.target.join(" ") + " " + n.html.slice(0, 160))}));
}"""


def violations(page: Any, *rules: str) -> list[dict[str, Any]]:
    """Return every violation that axe-core finds in a page of playwright, by all rules or by some."""
    # Given as text, since a page on the file system may not read a script from elsewhere.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    return page.evaluate(_RUN, list(rules) or None)


def grave(found: list[dict[str, Any]]) -> list[str]:
    """Return the serious and critical ones as lines."""
    return [
        f"{item['impact']}: {item['id']} ({item['help']}): {item['nodes'][0]}, {len(item['nodes'])} in all"
        for item in found
        if item["impact"] in GRAVE
    ]
