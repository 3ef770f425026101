"""The package as one stack of an emulator: made, adapted to what the emulator knows, brought up."""

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform

from infra.package import build, layers
from infra.package.template import Template
from localcloud import cloud, stack
from localcloud.place import ROOT, Place
from localcloud.terminal import Stopped

STACK = "cardmesh"
CODE = "cardmesh-code"  # the bucket functions are loaded from
_SECRET = "cardmesh-origin"  # noqa: S105  the name of one
# Metric math and what stands on it, and saved queries: the emulator refuses them.
_UNKNOWN = ("AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard", "AWS::Logs::QueryDefinition")
_PAUSE = 0.3  # seconds between two looks

Say = Callable[[str], None]


@dataclass(frozen=True)
class Deployed:
    """A stack that is up: its outputs, its APIs by output, what its edge sends, and how many of each resource."""

    outputs: dict[str, str]
    origin_secret: str
    counts: dict[str, int]
    functions: dict[str, str]  # physical by logical names

    @property
    def apis(self) -> tuple[str, str]:
        """Ids of the API of pages and of that of callbacks."""
        pages, hooks = (self.outputs[name] for name in ("EndpointUrl", "HooksEndpointUrl"))
        return _id(pages), _id(hooks)


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def expanded(template: Template) -> Template:
    """A packaged template as CloudFormation sees it after the SAM transform, its zips in the bucket CODE."""
    os.environ.setdefault("AWS_DEFAULT_REGION", cloud.REGION)  # the transform asks for one
    whole: Template = json.loads(json.dumps(template))
    for resource in whole["Resources"].values():
        for name in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][name] = f"s3://{CODE}/{resource['Properties'][name].removeprefix('./')}"
    given = {name: value.get("Default", "shop.example") for name, value in whole["Parameters"].items()}
    done: Template = transform(whole, given, _NoManagedPolicies())
    return done


def known(template: Template) -> Template:
    """A template without what the emulator refuses."""
    kept = {name: each for name, each in template["Resources"].items() if each["Type"] not in _UNKNOWN}
    return {
        **template,
        "Resources": {n: r for n, r in kept.items() if "Metrics" not in r.get("Properties", {})},
    }


def bring_up(place: Place, *, say: Say) -> Deployed:
    """Package, upload, deploy. Raises target.Failed, Stopped."""
    out = place.folder / "package"
    sizes = build.package(ROOT, out)
    say(
        f"packaged: {len(sizes) - len(layers.ZIPS)} functions and their layers, {sum(sizes.values()) / 1e6:.1f} MB"
    )
    template = known(expanded(json.loads((out / build.TEMPLATE).read_text())))
    for resource in template["Resources"].values():
        _speak_http(resource)
    _upload(place, out, template)
    secret = secrets.token_hex(16)
    version = _keep(place, secret)
    given = {"SiteDomain": place.site_domain, "OriginSecret": _SECRET, "OriginSecretVersion": version}
    given["StaticUrl"] = f"/static/{stack.static_folder().name}"
    url = f"{place.cloud_url}/{CODE}/{build.TEMPLATE}"
    formation = cloud.client("cloudformation", place.cloud_url)
    formation.create_stack(
        StackName=STACK, TemplateURL=url, Capabilities=["CAPABILITY_IAM"], Parameters=parameters(given)
    )
    outputs = settled(place, STACK, "CREATE_COMPLETE", seconds=180)
    resources = formation.describe_stack_resources(StackName=STACK)["StackResources"]
    kinds = [each["ResourceType"].rpartition("::")[2] for each in resources]
    functions = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in resources
        if each["ResourceType"] == "AWS::Lambda::Function"
    }
    return Deployed(outputs, secret, {kind: kinds.count(kind) for kind in sorted({*kinds})}, functions)


def parameters(given: dict[str, str]) -> list[dict[str, str]]:
    """As CloudFormation takes them."""
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]


def settled(place: Place, named: str, wanted: str, *, seconds: float = 60) -> dict[str, str]:
    """The outputs of a stack once it is in the state wanted. Raises Stopped when it ends in another."""
    formation = cloud.client("cloudformation", place.cloud_url)

    def look() -> dict[str, Any] | None:
        (found,) = formation.describe_stacks(StackName=named)["Stacks"]
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

    found = until(look, seconds=seconds, what=f"the stack {named}")
    if found["StackStatus"] != wanted:
        raise Stopped(
            f"The stack {named} ended in {found['StackStatus']}, not {wanted}: {reason(place, named)}"
        )
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}


def reason(place: Place, named: str) -> str:
    """Why the first resource of a stack failed, as CloudFormation tells it."""
    events = cloud.client("cloudformation", place.cloud_url).describe_stack_events(StackName=named)
    failed = [each for each in events["StackEvents"] if each["ResourceStatus"].endswith("FAILED")]
    return str(failed[-1].get("ResourceStatusReason", "")) if failed else "no reason given"


def until(look: Callable[[], Any], *, seconds: float = 60, what: str) -> Any:
    """What a look finds, as soon as it finds something. Raises Stopped after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise Stopped(f"Waited {seconds:.0f} s for {what} in vain.")
        time.sleep(_PAUSE)
    return found


def _speak_http(resource: dict[str, Any]) -> None:
    """There are no certificates on one machine."""
    variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
    if "PUBLIC_SCHEME" in variables:
        variables["PUBLIC_SCHEME"] = "http"


def _upload(place: Place, out: Path, template: Template) -> None:
    storage = cloud.client("s3", place.cloud_url)
    storage.create_bucket(Bucket=CODE)
    for path in out.glob("*.zip"):
        storage.put_object(Bucket=CODE, Key=path.name, Body=path.read_bytes())
    storage.put_object(Bucket=CODE, Key=build.TEMPLATE, Body=json.dumps(template))


def _keep(place: Place, secret: str) -> str:
    """Keep the origin secret where the template asks for it; its version."""
    keeper = cloud.client("secretsmanager", place.cloud_url)
    made = keeper.create_secret(Name=_SECRET, SecretString=json.dumps({"now": secret, "before": secret}))
    return str(made["VersionId"])


def _id(endpoint: str) -> str:
    return endpoint.removeprefix("https://").partition(".")[0]
