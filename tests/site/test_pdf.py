"""The PDF is put together from the built pages: anchors, links, and what only works on a screen."""

import pytest

from analysis.site import pdf

ONE = (
    "<html><head><title>One — Review</title></head><body>"
    '<article class="bd-article"><h1 id="top">One<a class="headerlink" href="#top">#</a></h1>'
    '<p><a href="two.html#part">there</a> <a href="#top">up</a> <a href="../studies/x.html">x</a> '
    '<a href="https://x.org/">out</a></p><svg aria-labelledby="a b"><title id="a">A</title>'
    '<rect fill="url(#g)"/></svg><p class="review-downloads">Download</p></article></body></html>'
)


@pytest.fixture
def site(tmp_path):
    for name in ("one", "two"):
        path = tmp_path / "book" / f"{name}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(ONE, "utf-8")
    return tmp_path


def test_links_lead_within_the_document(site):
    page = pdf.assemble(site, ["book/one", "book/two"])

    assert 'href="#two--part"' in page
    assert 'href="#one--top"' in page
    assert 'href="#one--chapter"' in page
    assert 'href="https://x.org/"' in page


def test_names_are_told_apart_by_chapter(site):
    page = pdf.assemble(site, ["book/one", "book/two"])

    assert 'aria-labelledby="one--a one--b"' in page
    assert "url(#two--g)" in page
    assert page.count('id="one--top"') == 1


def test_parts_for_the_screen_are_left_out(site):
    page = pdf.assemble(site, ["book/one"])

    assert "headerlink" not in page.split("</style>", 1)[1]
    assert "Download" not in page


def test_without_chromium_the_reason_is_said(site, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)

    assert pdf.print_pdf(site, tmp_path / "x.pdf", ["book/one"]) == "no Chromium is installed"


def test_the_first_page_offers_the_pdf_once(site):
    landing = site / "book" / "one.html"
    landing.write_text('<p><span class="review-pdf-place"></span></p>', "utf-8")
    source = site / "review-source.pdf"
    source.write_bytes(b"%PDF-synthetic")
    for _ in range(2):
        pdf.offer(site, source, "book/one.html")

    assert landing.read_text("utf-8").count("../review.pdf") == 1
    assert (site / "review.pdf").read_bytes() == b"%PDF-synthetic"


def test_chapters_come_in_the_order_of_the_contents():
    names = pdf.chapters(pdf.Path(__file__).resolve().parents[2])

    assert names[0] == "book/index"
    assert "book/explore" not in names
    assert names[-1] == "book/references"


def test_parts_that_open_on_request_are_named_with_their_numbers():
    table = '<span class="review-number">Table\xa04.</span> '
    html = (
        '<p>a</p><details class="review-fold"><summary>Rows left out (2)</summary>'
        f"<details><summary>inner</summary></details>{table}</details>"
        "<figure><details><summary>Data table</summary>x</details></figure><p>b</p>"
    )

    assert pdf._named_folds(html) == (
        '<p>a</p><p class="pdf-fold">Rows left out (2): Table\xa04, on the site.</p><figure></figure><p>b</p>'
    )


def _picture(name: str, high: int) -> str:
    svg = f'<svg viewBox="0 0 760 {high}" width="760" height="{high}"><rect width="9" height="9"/></svg>'
    return f'<figure class="review-figure" id="{name}"><div class="figure-wide">{svg}</div></figure>'


@pytest.mark.parametrize(
    ("before", "high", "smaller"),
    [
        pytest.param(100, 600, False, id="fits-as-it-is"),
        pytest.param(150, 600, True, id="fits-when-smaller"),
        pytest.param(210, 600, False, id="would-be-too-small"),
    ],
)
def test_a_figure_is_made_smaller_only_where_that_closes_a_gap(tmp_path, before, high, smaller):
    from tests.book.browser import chromium_path, launched

    if chromium_path() is None:
        pytest.skip("Chromium is not installed")
    (tmp_path / "book").mkdir()
    filler = f'<div style="height:{before}mm">Synthetic text</div>'
    (tmp_path / "book" / "one.html").write_text(
        f'<title>One</title><article class="bd-article">{filler}{_picture("tall", high)}</article>', "utf-8"
    )
    page_file = tmp_path / "print.html"
    page_file.write_text(pdf.assemble(tmp_path, ["book/one"]), "utf-8")
    with launched() as browser:
        page = browser.new_page()
        page.goto(page_file.as_uri())
        width = page.evaluate("document.querySelector('.review-figure svg').style.width")
        measured = page.evaluate("document.querySelectorAll('.pdf-measured').length")
    assert bool(width) is smaller
    assert measured == 0
