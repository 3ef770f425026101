"""Reading answers as a browser and a careful reviewer do."""

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "img", "br", "hr", "rect", "circle", "path"}


class Page(HTMLParser):
    """Elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(word for word in self.words if word)

    def all(self, tag: str, **attrs: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.elements if name == tag and attrs.items() <= found.items()]

    def faults(self) -> list[str]:
        """What a page must never have: scripts inside, doubled ids, fields without a name for the eye or the ear."""
        found = [f"unclosed {tag}" for tag in self.open]
        ids = Counter(attrs["id"] for _, attrs in self.elements if "id" in attrs)
        found += [f"id {name} twice" for name, times in ids.items() if times > 1]
        labelled = {attrs.get("for") for attrs in self.all("label")}
        for tag, attrs in self.elements:
            found += [f"{tag} has {name}" for name in attrs if name.startswith("on") or name == "style"]
            if tag == "script" and "src" not in attrs:
                found.append("inline script")
            if tag == "img" and "alt" not in attrs:
                found.append("img without alt")
            shown = tag == "input" and attrs.get("type") not in ("hidden", "radio")
            if shown and attrs.get("id") not in labelled and "aria-label" not in attrs:
                found.append(f"field {attrs.get('name')} without a label")
        return found


def read(answer) -> Page:
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return Page(answer.body.decode())
