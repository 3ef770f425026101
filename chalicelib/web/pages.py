"""HTML: templates and words of one face, rendered with everything escaped and nothing undefined.

    console = pages.Pages(Path(__file__).parent, menu=MENU)
    return console.page(visit, "orders.html", orders=found)

Every template has `visit`, `lang`, `t("key", name=value)` for a sentence in the visitor's language,
`static("console.css")` for the address of a static file, the face's own globals, and the filters `yuan`,
`moment`, `day` and `iso`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from chalice.app import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chalicelib.kit import clock, config, money

from .visit import LANGUAGES, Visit

STATIC = Path(__file__).parent / "static"

Words = Mapping[str, Mapping[str, str]]


class Pages:
    """Renders `{folder}/templates` with the words of `{folder}/words/{language}.json`, if there are any."""

    def __init__(self, folder: Path, **face_globals: object) -> None:
        self.words: Words = {lang: _read_words(folder / "words" / f"{lang}.json") for lang in LANGUAGES}
        self._jinja = Environment(
            loader=FileSystemLoader(folder / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._jinja.filters.update(yuan=money.yuan, moment=moment, day=day, iso=clock.iso)
        self._jinja.globals.update(static=static, **face_globals)

    def page(
        self,
        visit: Visit,
        template: str,
        *,
        status: int = 200,
        cookies: Sequence[str] = (),
        **values: object,
    ) -> Response:
        """An HTML answer; `values` are what the template shows. Raises UndefinedError for one it lacks."""
        headers: dict[str, Any] = {"Content-Type": "text/html; charset=utf-8"}
        if cookies:
            headers["Set-Cookie"] = list(cookies)
        say = partial(self.text, visit.lang)
        html = self._jinja.get_template(template).render(visit=visit, lang=visit.lang, t=say, **values)
        return Response(html, headers, status)

    def text(self, lang: str, key: str, /, **values: object) -> str:
        """A sentence in a language, `{name}` replaced by the value. Raises KeyError for an unknown key."""
        return self.words[lang][key].format(**values)

    def knows(self, key: str) -> bool:
        """Whether there are words for a key."""
        return key in self.words[LANGUAGES[0]]


def static(name: str) -> str:
    """The address of a static file; it changes with the content, so that it can be cached for ever."""
    return f"{config.load().static_url}/{name}{_version(name)}"


def moment(at: int) -> str:
    """A time as Beijing's wall clock shows it, to the second."""
    return clock.beijing(at).strftime("%Y-%m-%d %H:%M:%S")


def day(at: int) -> str:
    """The Beijing day of a time."""
    return clock.beijing(at).strftime("%Y-%m-%d")


@cache
def _version(name: str) -> str:
    path = STATIC / name
    return f"?v={hashlib.sha256(path.read_bytes()).hexdigest()[:10]}" if path.is_file() else ""


def _read_words(path: Path) -> Mapping[str, str]:
    words: Mapping[str, str] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return words
