"""A change becomes visible: shelves are published anew."""

from chalicelib.catalog import service as catalog
from chalicelib.kit import errors, queue, tenant


def bring(owner: str, *, now: int) -> int:
    """Bring a change of an owner's goods or terms to the shelves; the number of offers, 0 if not known yet.

    Main's change reaches every site through the queue. A site's own change is published at once; when another
    run is publishing meanwhile, the queue does it again, so that the change is surely part of it.
    """
    if owner == tenant.MAIN:
        catalog.announce()
        return 0
    try:
        return catalog.publish(owner, now=now)
    except errors.Conflict:
        queue.send("publish", site=owner)
        return 0
