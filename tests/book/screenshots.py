"""Take a picture of every page: ``python -m tests.book.screenshots DIRECTORY [--dark] [--sheets]``.

Each page is taken at full height, at desktop and phone width. `--only NAME` takes one page. With
`--sheets` the text of a page is cut into columns that stand side by side on pictures of modest size,
so that a long page can be looked at without making its letters too small to read.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import Any

from tests.book.browser import WIDTHS, chromium_path, launched, opened
from tests.book.pages import SITE, site_pages

#: Height of a column of a sheet, and how many columns a sheet holds at each width.
_HIGH = 1560
_COLUMNS = {"desktop": 2, "phone": 4}
_GAP = 12


def sheets(page: Any, width: str) -> list[bytes]:
    """Cut the article of an open page into columns and return pictures that hold some of them each."""
    from PIL import Image

    box = page.locator(".bd-article-container, body").last.bounding_box()
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    left, right = max(int(box["x"]), 0), min(int(box["x"] + box["width"]), picture.width)
    if width == "phone":
        left, right = 0, picture.width
    step = right - left + _GAP
    columns = [
        picture.crop((left, top, right, min(top + _HIGH, picture.height)))
        for top in range(0, picture.height, _HIGH)
    ]
    found = []
    for first in range(0, len(columns), _COLUMNS[width]):
        group = columns[first : first + _COLUMNS[width]]
        sheet = Image.new("RGB", (step * len(group) - _GAP, max(each.height for each in group)), "#c03080")
        for place, column in enumerate(group):
            sheet.paste(column, (place * step, 0))
        store = io.BytesIO()
        sheet.save(store, "PNG")
        found.append(store.getvalue())
    return found


def main() -> int:
    """Write the pictures and return an exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--dark", action="store_true", help="also take them in dark mode")
    parser.add_argument("--only", nargs="+", help="names of pages without .html")
    parser.add_argument("--width", choices=WIDTHS, help="one width only")
    parser.add_argument("--sheets", action="store_true", help="cut long pages into columns")
    parser.add_argument("--site", type=Path, default=SITE)
    args = parser.parse_args()
    if chromium_path() is None:
        sys.stderr.write("Chromium is not installed.\n")
        return 2
    args.directory.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        for path in site_pages(args.site):
            if args.only and path.stem not in args.only:
                continue
            for width in [args.width] if args.width else WIDTHS:
                for scheme in ("light", "dark") if args.dark else ("light",):
                    stem = "-".join(path.relative_to(args.site).with_suffix("").parts)
                    name = f"{stem}-{width}-{scheme}"
                    with opened(browser, path, width, scheme) as (page, _):
                        if not args.sheets:
                            page.screenshot(path=args.directory / f"{name}.png", full_page=True)
                            continue
                        for number, data in enumerate(sheets(page, width), start=1):
                            (args.directory / f"{name}-{number:02}.png").write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
