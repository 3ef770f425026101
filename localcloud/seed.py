"""What a first start plants: sites, staff, goods, codes."""

from collections.abc import Callable

from .place import Place


def plant(place: Place, *, say: Callable[[str], None]) -> list[str]:
    """Plant what is missing, through the services; a second call changes nothing.

    `say` shows progress. The answer are the lines to show once everything runs: addresses and staff logins.
    """
    say("main site")
    return [f"  console: http://main.{place.site_domain}/console"]
