"""The hourly look after every site."""

from chalice.app import Blueprint, CloudWatchEvent, Cron

from chalicelib.kit import clock

from . import service

blueprint = Blueprint(__name__)


@blueprint.schedule(Cron("10", "*", "*", "*", "?", "*"), name="tend_sites")
def tend_sites(_event: CloudWatchEvent) -> dict[str, int]:
    """Go on with what stands still; close what has ended, and warn of what will."""
    return service.tend_all(now=clock.now())
