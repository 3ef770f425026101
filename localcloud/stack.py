"""The main stack in the embedded cloud, and what the functions must know of it."""

import time
from pathlib import Path

from botocore.exceptions import ClientError

from . import cloud
from .place import ROOT, Place
from .terminal import Stopped

NAME = "cardmesh-main"
_TEMPLATE = ROOT / "infra/main.yaml"
_SUBSITE = ROOT / "infra/subsite.yaml"
_STATIC = ROOT / "build/static"
_QUEUES = ("Fulfil", "Settle", "Timer", "Refund", "Reconcile", "Provision", "Publish", "Payout")
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}

Outputs = dict[str, str]


def deploy(place: Place) -> Outputs:
    """Create the stack, or bring it up to its template. Raises Stopped."""
    formation = cloud.client("cloudformation", place.cloud_url)
    call = {
        "StackName": NAME,
        "TemplateBody": _TEMPLATE.read_text(),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [
            {"ParameterKey": "Stage", "ParameterValue": "local"},
            {"ParameterKey": "SiteDomain", "ParameterValue": place.site_domain},
            {"ParameterKey": "KeyInOtherRegions", "ParameterValue": "false"},
        ],
    }
    deployed = _deployed(place)
    if deployed is None:
        formation.create_stack(**call)
    elif deployed != call["TemplateBody"]:
        formation.update_stack(**call)
    return _outputs(place)


def environment(place: Place, outputs: Outputs) -> dict[str, str]:
    """The environment of the functions, as `chalicelib.kit.config` reads it."""
    queues = {f"QUEUE_{name.upper()}": outputs[f"Queue{name}"] for name in _QUEUES}
    return {
        **cloud.plain_env(),
        **cloud.credentials(place),
        **queues,
        "STAGE": "local",
        "SITE_DOMAIN": place.site_domain,
        "PUBLIC_SCHEME": "http",
        "KEY_ID": outputs["KeyId"],
        "TENANT_ROLE": outputs["TenantRoleArn"],
        "SUBSITE_TEMPLATE": _SUBSITE.read_text(),
        "STATIC_URL": f"/static/{static_folder().name}",
        "STATIC_BUCKET": outputs["StaticBucket"],
        "SANDBOX_URL": place.sandbox_url,
        "PAYOUT_VIA": "transfer",
        "HOLDS_PER_CONTACT": "2000",
        "HOLDS_PER_ADDRESS": "5000",
        "POWERTOOLS_SERVICE_NAME": "cardmesh",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }


def upload(place: Place, bucket: str) -> int:
    """Put the static files into their bucket; the answer is how many. Raises KeyError for an unknown kind."""
    storage = cloud.client("s3", place.cloud_url)
    files = [path for path in sorted(static_folder().rglob("*")) if path.is_file()]
    for path in files:
        key = f"static/{path.relative_to(_STATIC)}"
        storage.put_object(Bucket=bucket, Key=key, Body=path.read_bytes(), ContentType=_KINDS[path.suffix])
    return len(files)


def static_folder() -> Path:
    """The one folder that `tools/static.py` built. Raises Stopped."""
    folders = [path for path in _STATIC.glob("*") if path.is_dir() and not path.suffix]
    if len(folders) != 1:
        raise Stopped("The static files are not built: run `make static`.")
    return folders[0]


def _deployed(place: Place) -> str | None:
    try:
        answer = cloud.client("cloudformation", place.cloud_url).get_template(StackName=NAME)
    except ClientError:
        return None
    return str(answer["TemplateBody"])


def _outputs(place: Place, *, seconds: float = 60.0) -> Outputs:
    formation = cloud.client("cloudformation", place.cloud_url)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stack = formation.describe_stacks(StackName=NAME)["Stacks"][0]
        if stack["StackStatus"] in _GOOD:
            return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.1)
    raise Stopped(
        f"The stack {NAME} ended in {stack['StackStatus']}: {_reason(place)} `make reset` starts from nothing."
    )


def _reason(place: Place) -> str:
    events = cloud.client("cloudformation", place.cloud_url).describe_stack_events(StackName=NAME)
    failed = [e for e in events["StackEvents"] if e["ResourceStatus"].endswith("FAILED")]
    return f"{failed[-1].get('ResourceStatusReason', 'no reason given')}." if failed else "no reason given."
