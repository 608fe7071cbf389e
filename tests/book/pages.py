"""Read built pages: links, anchors, resources and text alternatives."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"

#: Attributes that make a browser load something when the page opens.
_LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
}
_LOADED_LINKS = {"stylesheet", "icon", "shortcut", "preload", "modulepreload", "manifest"}


@dataclass
class Page(HTMLParser):
    """One built page, read once."""

    path: Path
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    language: str = ""
    description: str = ""
    title: str = ""
    _svg: int = 0
    _hidden: int = 0
    _in_title: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text("utf-8"))

    def __hash__(self) -> int:
        return hash(self.path)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters of one element."""
        values = {name: value or "" for name, value in attrs}
        if identifier := values.get("id"):
            self.ids.append(identifier)
        if tag == "html":
            self.language = values.get("lang", "")
        if tag == "meta" and values.get("name") == "description":
            self.description = values.get("content", "")
        self._in_title = tag == "title" and not self._svg
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in _LOADED and values.get(_LOADED[tag]):
            self.resources.append(values[_LOADED[tag]])
        if tag == "link" and _LOADED_LINKS & set(values.get("rel", "").split()):
            self.resources.append(values["href"])
        self._check_name(tag, values)

    def _check_name(self, tag: str, values: dict[str, str]) -> None:
        if tag == "img" and not values.get("alt", "").strip():
            self.unnamed.append(f"img {values.get('src')}")
        if tag == "svg":
            named = values.get("aria-label") or values.get("aria-labelledby")
            if not self._svg and not named and values.get("aria-hidden") != "true":
                self.unnamed.append(f"svg at line {self.getpos()[0]}")
            self._svg += 1

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        if tag == "svg":
            self._svg -= 1
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        """Collect the title."""
        if self._in_title:
            self.title += data


def site_pages(site: Path = SITE) -> list[Path]:
    """List the pages of the built site, without helper files of the theme."""
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def distinct_pages(made: int, site: Path = SITE) -> list[Path]:
    """List the pages with only the longest of those of studies, which are made alike."""
    alike = sorted((site / "studies").glob("*.html"), key=lambda path: path.stat().st_size)
    return [path for path in site_pages(site) if path not in set(alike[:-made])]


def is_external(address: str) -> bool:
    """Tell whether an address leaves the site."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in {"http", "https", "mailto", "ftp"}


def target_of(page: Path, address: str) -> tuple[Path, str]:
    """Return the file and the anchor that an internal address means."""
    parts = urlsplit(address)
    path = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
    return path, unquote(parts.fragment)
