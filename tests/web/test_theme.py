import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.web import theme

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@given(color=COLORS, dark=st.booleans())
def test_every_text_is_legible_on_its_ground_whatever_the_owner_chose(*, color: str, dark: bool) -> None:
    found = theme.palette(color, dark=dark)
    weak = {pair: theme.contrast(found[pair[0]], found[pair[1]]) for pair in theme.PAIRS}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < theme.LEGIBLE} == {}


@given(COLORS)
def test_a_colour_survives_the_way_to_lightness_chroma_and_hue_and_back(color: str) -> None:
    assert theme._hex(theme._lch(color)) == color


@pytest.mark.parametrize("color", ["#0f766e", "#2563eb", "#e11d48", "#111827"])
def test_a_colour_that_carries_white_text_is_the_button_unchanged(color: str) -> None:
    found = theme.palette(color)
    assert (found["brand"], found["on-brand"]) == (color, "#ffffff")


def test_a_bright_colour_keeps_its_character_and_takes_dark_text() -> None:
    found = theme.palette("#ffd000")
    assert found["brand"] == "#ffd000"
    assert theme.contrast(found["on-brand"], "#000000") < 2


def test_contrast_is_that_of_the_standard() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_sheet_holds_both_schemes_and_prints_light() -> None:
    sheet = theme.css("#0f766e")
    assert sheet.startswith(":root{--page:")
    assert sheet.count("--on-brand:") == 3
    assert "prefers-color-scheme:dark" in sheet


@pytest.mark.parametrize("color", ["", "red", "#12345", "#12345g", "#0f766e;"])
def test_anything_else_is_no_colour(color: str) -> None:
    with pytest.raises(ValueError, match=r"colour|invalid literal"):
        theme.palette(color)
