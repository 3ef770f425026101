"""The queries over the logs, for main's staff: what each answers, and the way to it."""

import re

from chalice.app import Response

from chalicelib.kit import clock, errors

from .. import face as faces
from ..visit import Visit
from . import desk, insights

face = faces.Face("console_logs", error_page=desk.error_page, enter=desk.enter_staff)

_TRACE = re.compile(r"[0-9a-f]{32}", re.ASCII)


@face.get("/console/logs")
def index(visit: Visit) -> Response:
    """The queries over the logs; a trace in `trace` is filled in. Raises NotFound for what is none."""
    trace = visit.query.get("trace", "").strip()
    if trace and not _TRACE.fullmatch(trace):
        raise errors.NotFound
    filled = [query.about(trace=trace) if trace else query for query in insights.all_queries()]
    since = visit.now - clock.DAY
    shown = [(query, query.address(since=since, until=visit.now)) for query in filled]
    return desk.page(visit, "logs.html", queries=shown, trace=trace)
