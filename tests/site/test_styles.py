"""The joined style sheet: what it keeps, what it leaves out, and how pages lead to it."""

import pytest

from analysis.site.styles import bundle, keep_used, link_bundle

PAGE = (
    '<head>\n<link rel="stylesheet" href="../_static/a/one.css?v=1" />\n<title>T</title>\n'
    '<link rel="stylesheet" type="text/css" href="../_static/two.css" />\n'
    '<script src="../_static/documentation_options.js?v=1"></script>\n'
    '<script src="../_static/tool.js"></script>\n<script>inline();</script></head><body class="used">'
    '<script defer src="../_static/late.js"></script></body>'
)


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".used{a:b}", ".used{a:b}"),
        (".gone{a:b}", ""),
        (".used,.gone{a:b}", ".used{a:b}"),
        (".used .gone{a:b}", ""),
        (".used:not(.gone){a:b}", ".used:not(.gone){a:b}"),
        (":is(.used,.gone) p{a:b}", ":is(.used,.gone) p{a:b}"),
        ('p::after{content:"} .gone{"}', 'p::after{content:"} .gone{"}'),
        ("@media print{.gone{a:b}}", ""),
        ("@media print{.used{a:b}}", "@media print{.used{a:b}}"),
        ("@keyframes gone{from{a:b}to{a:c}}", "@keyframes gone{from{a:b}to{a:c}}"),
        ('@charset "utf-8";.gone{a:b}', '@charset "utf-8";'),
        ("@font-face{font-family:Font Awesome}", ""),
    ],
)
def test_only_rules_that_a_page_can_use_stay(css, kept):
    assert keep_used(css, {"used"}) == kept


def test_sheets_are_joined_in_order_with_their_imports_and_addresses(tmp_path):
    static = tmp_path / "_static"
    (static / "a").mkdir(parents=True)
    (static / "a" / "one.css").write_text('@import "../base.css";.used{background:url(p.png)}', "utf-8")
    (static / "base.css").write_text("p{background:url('q.png')}", "utf-8")
    (static / "two.css").write_text("/* x */.gone{a:b}.made{a:b}", "utf-8")
    (static / "tool.js").write_text('add("made")', "utf-8")

    css = bundle(tmp_path, [PAGE])

    assert css.replace("\n", "") == 'p{background:url("q.png")}.used{background:url("a/p.png")}.made{a:b}'
    assert (static / "site.css").read_text("utf-8") == css


def test_a_page_leads_to_the_joined_sheet_and_puts_its_scripts_off():
    html = link_bundle(PAGE, "m", "const O = 1;")

    assert html.count("stylesheet") == 1
    assert html.index("site.css?v=m") < html.index("<title>")
    assert "<script>const O = 1;</script>" in html
    assert '<script defer src="../_static/tool.js">' in html
    assert html.count("defer") == 2
    assert "<script>inline();</script>" in html


def test_linking_twice_changes_nothing_more():
    once = link_bundle(PAGE, "m", "const O = 1;")

    assert link_bundle(once, "m", "const O = 1;") == once
