"""What a first start plants: sites, staff, goods, codes."""

from collections.abc import Callable


def plant(port: int, *, say: Callable[[str], None]) -> list[str]:
    """Plant what is missing, through the services; a second call changes nothing.

    `say` shows progress. The answer are the lines to show once everything runs: addresses and staff logins.
    """
    say("Sites and goods")
    return [f"http://main.localhost:{port}/console"]
