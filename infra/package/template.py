"""The deployment as one template: main.yaml, Chalice's functions, and what neither can say."""

import json
import re
from pathlib import Path
from typing import Any

from chalice.package import YAMLTemplateSerializer

from . import alarms, channels, dashboards, objectives, parameters, queries, rest, roles
from .target import Target

Template = dict[str, Any]

# Concurrent batches per queue: enough for a flash sale, and none can take the account's whole concurrency.
BATCHES = {
    "fulfil": 100,
    "timer": 50,
    "settle": 20,
    "refund": 20,
    "reconcile": 20,
    "publish": 10,
    "provision": 5,
    "payout": 5,
}
_MOST_POLLERS = 20  # of ten batches each
CARRIED = (
    "subsite",
    "domain",
)  # templates of infra/ that the package has as files, since an environment holds 4,096 bytes
_ENDPOINTS = {"EndpointUrl": "RestAPI", "HooksEndpointUrl": "HooksAPI"}


def assemble(emitted: Template, paths: dict[str, list[str]], *, project: Path, target: Target) -> Template:
    """The whole template from what Chalice packaged for a target and the paths of each face. Raises rest.Unmapped."""
    whole = load(project / "infra/main.yaml")
    policies = project / "policies"
    settings = json.loads((project / ".chalice/config.json").read_text())["lambda_functions"]
    resources = emitted["Resources"]
    rest.split(resources, paths, settings)
    known = functions(resources)
    for name, properties in known.items():
        resources |= _equipment(name, policies)
        _equip(properties, name)
        _place(properties, name, target)
        _size(properties)
    known["ProvisionSites"]["Environment"]["Variables"] |= {
        f"{name.upper()}_TEMPLATE": f"{name}.json" for name in CARRIED
    }
    whole["Transform"] = emitted["Transform"]
    whole["Conditions"] |= parameters.conditions()
    whole["Parameters"] |= parameters.all_of_them()
    whole["Resources"] |= (
        resources | roles.cells(policies) | _watch(known) | queries.save(project, list(known))
    )
    tenant = roles.inline("tenant", roles.document(policies, "tenant"))
    whole["Resources"]["TenantRole"]["Properties"]["Policies"] = [tenant]
    whole["Outputs"] |= {name: _endpoint(api) for name, api in _ENDPOINTS.items()}
    whole["Outputs"]["AlarmTopic"] = {"Value": {"Ref": "Alarms"}}
    return whole


def carried(path: Path) -> str:
    """A template as a function carries it."""
    return json.dumps(wordless(load(path)), separators=(",", ":"))


def wordless(whole: Template) -> Template:
    """A template without what only people read."""
    known = whole.get("Parameters", {})
    return _undescribed(whole) | (
        {"Parameters": {n: _undescribed(p) for n, p in known.items()}} if known else {}
    )


def _undescribed(part: Template) -> Template:
    return {name: each for name, each in part.items() if name != "Description"}


def _watch(functions: dict[str, Template]) -> Template:
    """What looks at all of it, and calls or shows."""
    queues = [queue.capitalize() for queue in BATCHES]
    ringing = alarms.calls(queues, functions) | channels.watch() | objectives.watch(queues)
    return ringing | dashboards.show(ringing, queues, list(functions))


def load(path: Path) -> Template:
    """A CloudFormation template in YAML, short forms included."""
    template: Template = YAMLTemplateSerializer().load_template(path.read_text(), path.name)
    return template


def functions(resources: Template) -> dict[str, Template]:
    """Properties of the functions by logical name."""
    kind = "AWS::Serverless::Function"
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def in_code(name: str) -> str:
    """DeliverOrders is deliver_orders in the code."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _equipment(name: str, policies: Path) -> Template:
    function = in_code(name)
    return {
        f"{name}Logs": alarms.log_group(function),
        f"{name}Role": roles.role(policies, function, f"{name}Logs"),
    }


def _equip(properties: dict[str, Any], name: str) -> None:
    """Point a function to its role, log and settings; behind a queue, let it answer for each message."""
    properties["Role"] = {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    properties["LoggingConfig"] = {
        "LogGroup": {"Ref": f"{name}Logs"},
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",  # else the platform's own lines about each call are most of what logs cost
    }
    variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
    variables |= {
        "STAGE": {"Ref": "Stage"},
        "TABLE_PREFIX": {"Ref": "TablePrefix"},
        "KEY_ID": {"Fn::GetAtt": ["Key", "Arn"]},
        "TENANT_ROLE": {"Fn::GetAtt": ["TenantRole", "Arn"]},
        "SITE_DOMAIN": {"Ref": "SiteDomain"},
        "PUBLIC_SCHEME": "https",
        **{name: {"Ref": parameters.named(name)} for name in parameters.TERMS},
        **{f"QUEUE_{queue.upper()}": {"Ref": f"{queue.capitalize()}Queue"} for queue in BATCHES},
    }
    for event in properties.get("Events", {}).values():
        if event["Type"] == "SQS":
            _connect(event["Properties"])


def _place(properties: dict[str, Any], name: str, target: Target) -> None:
    """Its zip, and the runtime that it was made for."""
    properties["CodeUri"] = f"./{in_code(name)}.zip"
    properties["Runtime"] = target.runtime
    properties["Architectures"] = [target.architecture]


def _size(properties: dict[str, Any]) -> None:
    """What the deployment decides about its memory, its time and its reserve."""
    page = "FACES" in properties["Environment"]["Variables"]
    for memory in ("PageMemory",) if page else ("WorkMemory", "LargeMemory"):
        _choose(properties, "MemorySize", memory)
    _choose(properties, "Timeout", "PageTimeout" if page else "WorkTimeout")
    if "ReservedConcurrentExecutions" in properties:
        reserve = [parameters.RESERVES, {"Ref": "HooksReserve"}, {"Ref": "AWS::NoValue"}]
        properties["ReservedConcurrentExecutions"] = {"Fn::If": reserve}


def _choose(properties: dict[str, Any], name: str, parameter: str) -> None:
    """Let a deployment choose what has the parameter's default."""
    if properties[name] == parameters.SIZES[parameter]["Default"]:
        properties[name] = {"Ref": parameter}


def _connect(mapping: dict[str, Any]) -> None:
    queue = mapping["Queue"].removeprefix("placeholder-")  # as the workers' decorators name it
    mapping["Queue"] = {"Fn::GetAtt": [f"{queue.capitalize()}Queue", "Arn"]}
    mapping["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
    mapping["ScalingConfig"] = {"MaximumConcurrency": BATCHES[queue]}
    if queue == "provision":
        mapping["ScalingConfig"] = {"MaximumConcurrency": {"Ref": "SitesAtOnce"}}
    if queue == "fulfil":
        none = {"Ref": "AWS::NoValue"}
        ready = {"MinimumPollers": {"Ref": "DeliveryPollers"}, "MaximumPollers": _MOST_POLLERS}
        mapping["ScalingConfig"] = {"Fn::If": [parameters.POLLERS_READY, none, mapping["ScalingConfig"]]}
        mapping["ProvisionedPollerConfig"] = {"Fn::If": [parameters.POLLERS_READY, ready, none]}


def _endpoint(api: str) -> Template:
    url = f"https://${{{api}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/live/"
    return {"Value": {"Fn::Sub": url}}
