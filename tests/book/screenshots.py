"""Take a picture of every page: ``python -m tests.book.screenshots DIRECTORY [--dark]``.

Each page is taken at full height, at desktop and phone width. `--only NAME` takes one page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.book.browser import WIDTHS, chromium_path, launched, opened
from tests.book.pages import SITE, site_pages


def main() -> int:
    """Write the pictures and return an exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--dark", action="store_true", help="also take them in dark mode")
    parser.add_argument("--only", help="name of one page without .html")
    parser.add_argument("--site", type=Path, default=SITE)
    args = parser.parse_args()
    if chromium_path() is None:
        sys.stderr.write("Chromium is not installed.\n")
        return 2
    args.directory.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        for path in site_pages(args.site):
            if args.only and path.stem != args.only:
                continue
            for width in WIDTHS:
                for scheme in ("light", "dark") if args.dark else ("light",):
                    stem = "-".join(path.relative_to(args.site).with_suffix("").parts)
                    name = f"{stem}-{width}-{scheme}.png"
                    with opened(browser, path, width, scheme) as (page, _):
                        page.screenshot(path=args.directory / name, full_page=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
