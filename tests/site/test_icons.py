"""Icons of the theme are set into the page, and its half megabyte of icons stays away."""

from analysis.site.icons import inline_icons, read_icons

SCRIPT = '<script src="../_static/scripts/fontawesome.js?digest=1"></script>'
BUNDLE = 'x={"arrow-up":[384,512,[8593],"f062","M1 1"],sun:[512,512,[9728],"f185","M2 2"]};y={' + (
    'sun:[512,512,[9728],"f185","M3 3"],bars:[448,512,["navicon"],"f0c9","M4 4"]}'
)


def test_drawings_are_read_with_their_aliases_and_the_last_counts(tmp_path):
    path = tmp_path / "synthetic.js"
    path.write_text(BUNDLE, "utf-8")
    icons = read_icons(path)

    assert icons["arrow-up"] == (384, 512, "M1 1")
    assert icons["sun"] == (512, 512, "M3 3")
    assert icons["navicon"] == icons["bars"]
    assert read_icons(tmp_path / "absent.js") == {}


def test_an_icon_keeps_its_attributes_and_is_silent():
    page = f'{SCRIPT}<i class="theme-switch fa-solid fa-sun fa-lg" data-mode="light"></i>'
    html = inline_icons(page, {"sun": (512, 512, "M3 3")})

    assert html.startswith('<svg class="svg-inline--fa theme-switch fa-sun fa-lg" data-mode="light"')
    assert 'aria-hidden="true"' in html
    assert "fontawesome" not in html


def test_the_script_stays_while_an_icon_needs_it():
    page = f'{SCRIPT}<i class="fas fa-unknown"></i>'

    assert inline_icons(page, {}) == page
