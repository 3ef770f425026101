"""HTML: templates and words of one face, rendered with everything escaped and nothing undefined.

    console = pages.Pages(Path(__file__).parent, menu=MENU)
    return console.page(visit, "orders.html", orders=found)

Every template has `visit`, `lang`, `t("key", name=value)` for a sentence in the visitor's language,
`static("console.css")` for the address of a static file, `knows("key")`, the face's own globals, and the filters
`yuan`, `moment`, `day` and `iso`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

from chalice.app import Response
from jinja2 import Environment, FileSystemLoader, ModuleLoader, StrictUndefined

from chalicelib.kit import clock, config, money

from .visit import LANGUAGES, Visit

STATIC = Path(__file__).parent / "static"

Words = Mapping[str, Mapping[str, str]]


class Pages:
    """Renders `{folder}/templates` with the words of `{folder}/words/{language}.json`, if there are any."""

    all: ClassVar[list["Pages"]] = []  # of the faces that were imported

    def __init__(self, folder: Path, **face_globals: object) -> None:
        Pages.all.append(self)
        self._compiled, written = folder / "compiled", folder / "templates"
        self.words: Words = {lang: _read_words(folder / "words" / f"{lang}.json") for lang in LANGUAGES}
        self._jinja = Environment(
            loader=ModuleLoader(self._compiled) if self._compiled.is_dir() else FileSystemLoader(written),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._jinja.filters.update(yuan=money.yuan, moment=moment, day=day, iso=clock.iso)
        self._jinja.globals.update(static=static, knows=self.knows, **face_globals)

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

    def compile(self) -> None:
        """Write the templates as Python modules, to be used from the next start on: it need not compile them."""
        self._jinja.compile_templates(self._compiled, zip=None, ignore_errors=False)

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
