"""A shop's look out of its one colour: surfaces, lines, text and buttons, light and dark, always legible.

Colours are worked out in OKLCH, where lightness is what the eye calls lightness
(Björn Ottosson, https://bottosson.github.io/posts/oklab/), and written as #rrggbb for old phones.
Contrast is that of WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio. Pure.
"""

import math
from collections.abc import Mapping
from functools import cache

LEGIBLE = 4.5  # WCAG AA for text of any size
_STEP = 0.005  # of lightness, while looking for the first legible one
_REPAINT = 0.11  # how far a button may darken to carry white text before it takes dark text instead
_HUES = {"ok": 150.0, "warn": 70.0, "bad": 25.0}

Palette = Mapping[str, str]
Lch = tuple[float, float, float]

# Text that must be legible, and what it stands on: the promise the palettes keep.
PAIRS = (
    *(
        (ink, ground)
        for ink in ("ink", "muted", "brand-ink", "ok", "warn", "bad")
        for ground in ("page", "card")
    ),
    *((ink, "soft") for ink in ("ink", "muted", "brand-ink")),
    ("on-brand", "brand"),
    ("on-brand", "brand-hover"),
)


@cache
def css(color: str) -> str:
    """The palettes of a colour (#rrggbb) as custom properties; dark where the visitor's system is."""
    dark = f"@media (prefers-color-scheme:dark){{:root{{{_properties(palette(color, dark=True))}}}}}"
    return (
        f":root{{{_properties(palette(color))}}}{dark}@media print{{:root{{{_properties(palette(color))}}}}}"
    )


@cache
def palette(color: str, *, dark: bool = False) -> Palette:
    """Names and values of one scheme. Raises ValueError for anything but #rrggbb."""
    light, chroma, hue = _lch(color)
    grounds = _grounds(hue, min(chroma, 0.1), dark=dark)
    brand, hover, on_brand = _button(light, chroma, hue, dark=dark)
    found = {
        **grounds,
        "ink": _hex((0.95, 0.005, hue)) if dark else _hex((0.22, 0.012, hue)),
        "muted": _legible((0.72 if dark else 0.53, 0.012, hue), grounds, dark=dark),
        "brand": brand,
        "brand-hover": hover,
        "on-brand": on_brand,
        "brand-ink": _legible(
            (max(light, 0.75) if dark else min(light, 0.6), chroma, hue), grounds, dark=dark
        ),
    }
    strong = 0.78 if dark else 0.5
    return found | {name: _legible((strong, 0.14, at), grounds, dark=dark) for name, at in _HUES.items()}


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _grounds(hue: float, chroma: float, *, dark: bool) -> dict[str, str]:
    """What everything else stands on: greys with a breath of the brand's hue."""
    tint = min(chroma, 0.006 if dark else 0.0035)
    levels = (0.17, 0.215, 0.31, 0.27) if dark else (0.972, 1.0, 0.9, 0.96)
    page, card, line, soft = levels
    return {
        "page": _hex((page, tint, hue)),
        "card": _hex((card, tint if dark else 0, hue)),
        "line": _hex((line, tint, hue)),
        "soft": _hex((soft, chroma * (0.35 if dark else 0.18), hue)),
    }


def _button(light: float, chroma: float, hue: float, *, dark: bool) -> tuple[str, str, str]:
    """Fill, fill under the pointer, and text: the brand's own colour wherever text can stand on it."""
    light = min(max(light, 0.5), 0.85) if dark else min(max(light, 0.2), 0.88)
    whitened = light
    while contrast(_hex((whitened, chroma, hue)), "#ffffff") < LEGIBLE:
        whitened -= _STEP
    if light - whitened <= _REPAINT:
        return _hex((whitened, chroma, hue)), _hex((whitened - 0.04, chroma, hue)), "#ffffff"
    fill, hover = _hex((light, chroma, hue)), _hex((min(light + 0.04, 0.95), chroma, hue))
    return fill, hover, _hex((0.2, min(chroma, 0.03), hue))


def _legible(start: Lch, grounds: Mapping[str, str], *, dark: bool) -> str:
    """The colour itself or the nearest lighter (dark scheme) or darker one legible on every ground."""
    light, chroma, hue = start
    while not all(
        contrast(_hex((light, chroma, hue)), ground) >= LEGIBLE for ground in _text_grounds(grounds)
    ):
        light += _STEP if dark else -_STEP
    return _hex((light, chroma, hue))


def _text_grounds(grounds: Mapping[str, str]) -> tuple[str, ...]:
    return grounds["page"], grounds["card"], grounds["soft"]


def _properties(found: Palette) -> str:
    return ";".join(f"--{name}:{value}" for name, value in found.items())


def _channels(color: str) -> tuple[float, float, float]:
    """Linear red, green and blue, 0 to 1, of #rrggbb."""
    if len(color) != len("#rrggbb") or not color.startswith("#"):
        raise ValueError("a colour looks like #0f766e")
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _gamma(value: float) -> float:
    return value * 12.92 if value <= 0.0031308 else float(1.055 * value ** (1 / 2.4) - 0.055)


def _luminance(color: str) -> float:
    red, green, blue = _channels(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _lch(color: str) -> Lch:
    red, green, blue = _channels(color)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    light = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    return light, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def _hex(lch: Lch) -> str:
    """The colour as #rrggbb; too vivid for a screen, it keeps lightness and hue and loses chroma."""
    light, chroma, hue = lch
    light = min(max(light, 0.0), 1.0)
    while chroma > 0 and not all(-1e-4 <= part <= 1.0001 for part in _rgb(light, chroma, hue)):
        chroma -= 0.004
    parts = _rgb(light, max(chroma, 0.0), hue)
    return "#" + "".join(f"{round(255 * _gamma(min(max(part, 0.0), 1.0))):02x}" for part in parts)


def _rgb(light: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
