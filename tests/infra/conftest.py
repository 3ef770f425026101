"""A cloud of one's own to deploy templates into."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import botocore.session
import pytest
from botocore.config import Config

PROJECT = Path(__file__).parents[2]
MINISTACK = Path(os.environ.get("MINISTACK", PROJECT / ".venv-ministack/bin/ministack"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A function that gives a client of a service in an empty ministack."""
    if not MINISTACK.exists():
        pytest.skip(f"ministack is not installed at {MINISTACK}; MINISTACK names another place")
    folder = tmp_path_factory.mktemp("ministack")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([MINISTACK], env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/_ministack/health", server, folder / "log")
            yield lambda service: _client(service, port)
        finally:
            server.send_signal(signal.SIGTERM)


def _client(service, port):
    return botocore.session.Session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="000000000001",
        aws_secret_access_key="test",
        config=Config(proxies={}),
    )


def _wait(url, server, log):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < end:
        try:
            with opener.open(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(log.read_text())
