"""The words of an expression, and a cursor over them that says where it does not understand."""

import re
from typing import NamedTuple

from .errors import Refusal, invalid

LONGEST = 4096  # bytes of an expression
_TOKEN = re.compile(
    r"(?P<alias>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)|(?P<word>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<index>[0-9]+)|(?P<sign><=|>=|<>|[=<>()\[\].,+-])|(?P<unknown>\S)"
)


class Token(NamedTuple):
    """A word of the text: what it is, and where."""

    kind: str  # alias value word index sign unknown, or end
    text: str
    start: int
    end: int


class Cursor:
    """Reads one expression from left to right. Its refusals name the parameter the expression stood in."""

    def __init__(self, text: str, label: str) -> None:
        self.text = text
        self.label = label
        if len(text.encode()) > LONGEST:
            raise self.refuse("Expression size has exceeded the maximum allowed size;")
        self.tokens = [Token(m.lastgroup or "", m[0], *m.span()) for m in _TOKEN.finditer(text)]
        if not self.tokens:
            raise self.refuse("The expression can not be empty;")
        self.tokens.append(Token("end", "<EOF>", len(text), len(text)))
        self.at = 0

    def next_is(self, *texts: str, ahead: int = 0) -> bool:
        """Whether a sign follows."""
        place = min(self.at + ahead, len(self.tokens) - 1)
        return self.tokens[place].text in texts

    def accept(self, *texts: str) -> str:
        """Step over one of these signs; "" where none follows."""
        return self.step().text if self.next_is(*texts) else ""

    def keyword(self, *words: str) -> str:
        """Step over one of these words in capitals or small letters; "" where none follows."""
        token = self.tokens[self.at]
        found = token.kind == "word" and token.text.upper() in words
        return self.step().text.upper() if found else ""

    def expect(self, text: str) -> None:
        """Step over this sign. Raises Refusal."""
        if not self.accept(text):
            raise self.puzzled()

    def end(self) -> None:
        """Nothing may follow. Raises Refusal."""
        if self.tokens[self.at].kind != "end":
            raise self.puzzled()

    def step(self) -> Token:
        """The next token; the last one stays."""
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def puzzled(self) -> Refusal:
        """A syntax error at the next token."""
        token = self.tokens[self.at]
        before = self.tokens[max(self.at - 1, 0)]
        after = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        near = self.text[before.start : after.end]
        return self.refuse(f'Syntax error; token: "{token.text}", near: "{near}"')

    def refuse(self, message: str) -> Refusal:
        """A refusal of this expression."""
        return invalid(f"Invalid {self.label}: {message}")
