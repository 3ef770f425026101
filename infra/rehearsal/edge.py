"""The public's way to the functions, as infra/edge.yaml has it: host kept, origin proven, callbacks apart."""

import contextlib
import threading
from collections.abc import Iterator

import urllib3

from localcloud import cdn, cloud
from localcloud.gateway import Answer, Refusal, Request
from localcloud.place import Place
from localcloud.server import Server

from .deployed import Deployed

_HOP = {"connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding"}
_PATIENCE = 60  # seconds; an emulated function may start eight processes at once


class Edge:
    """Answers for every host."""

    def __init__(self, place: Place, deployed: Deployed) -> None:
        self._pool = urllib3.PoolManager(maxsize=16)
        self._pages, self._hooks = (
            f"{place.cloud_url}/_aws/execute-api/{each}/live" for each in deployed.apis
        )
        self._secret = deployed.origin_secret
        bucket = deployed.outputs["StaticBucket"]
        self._files = cdn.Bucket(cloud.client("s3", place.cloud_url), bucket)

    def answer(self, request: Request) -> Answer:
        """Answer one request. Raises Refusal."""
        if request.target.startswith("/static/"):
            return self._static(request)
        origin = self._hooks if request.target.startswith("/hooks/") else self._pages
        sent = {name: value for name, value in request.headers.items() if name not in _HOP}
        sent |= {"x-forwarded-host": request.headers.get("host", ""), "x-origin-secret": self._secret}
        found = self._pool.request(
            request.method,
            origin + request.target,
            headers=sent,
            body=request.body or None,
            redirect=False,
            retries=False,
            timeout=_PATIENCE,
        )
        heads = [(name, value) for name, value in found.headers.items() if name.lower() not in _HOP]
        return Answer(found.status, heads, found.data)

    def _static(self, request: Request) -> Answer:
        found = self._files.get(request.target.partition("?")[0])
        if found is None:
            raise Refusal(404, "not_found", "There is nothing here.")
        return Answer(
            200, [("Content-Type", found.kind), ("Cache-Control", cdn.CACHE)], found.body, found.compressed
        )


@contextlib.contextmanager
def opened(place: Place, deployed: Deployed) -> Iterator[None]:
    """Serve the deployment on the place's port."""
    server = Server(Edge(place, deployed), port=place.port)
    thread = threading.Thread(target=server.serve_forever, args=(0.2,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.finish()
