"""The command: `python -m infra.rehearsal --sites 100`."""

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from infra.package.target import Failed
from localcloud import checks, cloud, stack
from localcloud.place import ROOT, Place
from localcloud.processes import Child
from localcloud.run import Interrupted, Watch
from localcloud.terminal import Stopped

from . import deployed, edge, limits, operator, schedules, sites, story, trouble


def main() -> int:
    """Deploy the package into an emulator, buy through it, and bring up and remove the stacks of sub-sites."""
    parser = argparse.ArgumentParser(prog="infra.rehearsal", description=main.__doc__)
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--sites", type=int, default=100)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cardmesh-"))
    place = Place(given.port, folder)
    try:
        rehearse(place, given.sites)
    except Interrupted:
        print("Stopped.", file=sys.stderr)
    except (Stopped, Failed, ClientError, BotoCoreError, httpx.HTTPError) as failure:
        print(f"The rehearsal failed: {failure}\nIts logs are in {place.log('*')}.", file=sys.stderr)
    else:
        shutil.rmtree(folder)
        return 0
    return 1


def rehearse(place: Place, count: int) -> None:
    """Everything, told line by line. Raises Stopped, Failed, and what clients raise."""
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True)

    with checks.all_of(place), Watch() as watch:
        _start(place, watch)
        say("an empty cloud and the channels' sandbox are up")
        up = deployed.bring_up(place, say=say)
        say(f"one stack: {', '.join(f'{count} {kind}' for kind, count in up.counts.items())}")
        stack.upload(place, up.outputs["StaticBucket"])
        _first_data(place, up)
        say("first data: keys, merchants, a split plan, the first of the staff")
        with place.log("edge").open("w") as log, contextlib.redirect_stderr(log), edge.opened(place, up):
            unpaid = story.play(place, say=say)
            schedules.day(place, up, unpaid, say=say)
            trouble.halfway(place, say=say)
            trouble.full(place, say=say)
            operator.every_day(place, say=say)
        sites.refuse(place, say=say)
        sites.halfway(place, say=say)
        sites.fill(place, say=say)
        sites.rehearse(place, count, say=say)
    say("rehearsed")


def _start(place: Place, watch: Watch) -> None:
    health = f"{place.cloud_url}/_ministack/health"
    watch.start(limits.strict(place)).wait_until(lambda: cloud.answers(health))
    command = [sys.executable, "-m", "sandbox", "--port", str(place.sandbox_port)]
    command += ["--keys", str(place.keys), "--state", str(place.books)]
    child = watch.start(Child("sandbox", command, cloud.plain_env(), place.log("sandbox")))
    child.wait_until(lambda: cloud.answers(f"{place.sandbox_url}/healthz"))


def _first_data(place: Place, up: deployed.Deployed) -> None:
    command = [
        sys.executable,
        "-m",
        "infra.rehearsal.first",
        "--port",
        str(place.port),
        "--folder",
        str(place.folder),
    ]
    env = stack.environment(place, up.outputs)
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stopped(f"The first data could not be written: {done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
