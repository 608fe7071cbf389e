"""Figures that would leave a gap at the foot of a page are drawn a little smaller, so that they fit there.

A picture cannot break between pages: one that does not fit moves to the next page and leaves white behind.
The script lays every chapter out in columns of the size of a page, which break by the same rules as
pages do, and tries smaller sizes for a figure that starts a column. Where even the smallest that can still
be read does not fit, the figure keeps its size.
"""

from __future__ import annotations

__all__ = ["FIT_SCRIPT", "FIT_STYLE"]

#: Size of the printed part of a page in millimetres; a little less than its height is used, to be safe.
_WIDE, _HIGH, _SPARE = 182, 263, 4
#: Shares of its size at which a figure is tried, the largest first; below the last, words are too small.
_SHARES = "[0.95, 0.9, 0.85, 0.8, 0.75, 0.7]"

FIT_STYLE = f"""
.pdf-measured {{ width: {_WIDE}mm !important; height: {_HIGH - _SPARE}mm !important;
  max-width: none !important; padding: 0 !important; margin: 0 !important; overflow: visible !important;
  columns: auto {_WIDE}mm; column-gap: 20mm; column-fill: auto; }}
"""

FIT_SCRIPT = f"""<script>
(() => {{
  const SHARES = {_SHARES};
  const STRIDE = {_WIDE + 20} * 96 / 25.4;
  // A figure further down than this did not move to a new page.
  const START = 12 * 96 / 25.4;
  function fit(chapter) {{
    const home = chapter.getBoundingClientRect();
    for (const picture of chapter.querySelectorAll(".review-figure .figure-wide > svg")) {{
      const figure = picture.closest(".review-figure");
      const page = () => Math.floor((figure.getBoundingClientRect().left - home.left + 2) / STRIDE);
      const before = page();
      if (before === 0 || figure.getBoundingClientRect().top - home.top > START) continue;
      const width = picture.getBoundingClientRect().width;
      const fits = (share) => {{
        picture.style.width = `${{share * width}}px`;
        return page() < before;
      }};
      if (!fits(SHARES.at(-1)) || SHARES.every((share) => !fits(share))) picture.style.width = "";
    }}
  }}
  function all() {{
    for (const chapter of document.querySelectorAll(".pdf-chapter")) {{
      chapter.classList.add("pdf-measured");
      fit(chapter);
      chapter.classList.remove("pdf-measured");
    }}
  }}
  // Formulas change the height of what stands before a figure.
  addEventListener("load", () => {{
    const written = window.MathJax?.startup?.promise;
    written ? written.then(all) : all();
  }});
}})();
</script>"""
