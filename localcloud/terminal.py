"""What the person at the terminal sees: progress, and one sentence when it cannot go on."""

READY = "localcloud: ready"  # a child's log says so when it is
PROGRESS = "progress: "  # the seed's lines for the terminal, among the lines of its log


class Stopped(Exception):
    """It cannot go on; the text says what to do about it."""


def say(line: str) -> None:
    """Show one line at once."""
    print(line, flush=True)
