"""The deployment as one template: main.yaml, Chalice's functions, and what neither can say."""

import json
import re
from pathlib import Path
from typing import Any

from chalice.package import YAMLTemplateSerializer

from . import alarms, channels, dashboards, objectives, queries, rest, roles
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
_PARAMETERS = {
    "StaticUrl": {
        "Type": "String",
        "Default": "/static",
        "Description": "Where pages find their static files.",
    },
    "OriginSecret": {
        "Type": "String",
        "Default": "",
        "Description": "Name of the secret by which the edge proves that it set X-Forwarded-Host; empty: no edge.",
    },
    "OriginSecretVersion": {
        "Type": "String",
        "Default": "",
        "Description": "The version of that secret; CloudFormation asks for it again when this changes.",
    },
    "DeliveryPollers": {
        "Type": "Number",
        "Default": 0,
        "AllowedValues": [0, 2, 4, 8, 16],
        "Description": "Pollers kept ready for deliveries, paid by the hour, so that a flood delays no other site.",
    },
}
_POLLERS_READY = "PollersReady"
_MOST_POLLERS = 20  # of ten batches each
# What functions may take of the account; the defaults are those of .chalice/config.json.
_SIZES: dict[str, Template] = {
    "PageMemory": {
        "Type": "Number",
        "Default": 512,
        "MinValue": 128,
        "MaxValue": 10_240,
        "Description": "Megabytes of a function that answers requests; its share of a processor grows with them.",
    },
    "WorkMemory": {
        "Type": "Number",
        "Default": 256,
        "MinValue": 128,
        "MaxValue": 10_240,
        "Description": "Megabytes of a function behind a queue or a schedule, one with a size of its own apart.",
    },
    "HooksReserve": {
        "Type": "Number",
        "Default": 100,
        "MinValue": 0,
        "MaxValue": 10_000,
        "Description": "Concurrent payment callbacks that nothing else can take away; 0 reserves none.",
    },
}
_RESERVES = "ReservesForHooks"
_CELLS = r"|a(@\d{12})?:\d{1,5}(,[a-z][a-z0-9]{0,7}@\d{12}:\d{1,5})*"  # as chalicelib.kit.config reads it
# What a deployment may decide for itself, read by chalicelib.kit.config under the names on the left.
_TERMS: dict[str, Template] = {
    "PAYOUT_VIA": {
        "Type": "String",
        "Default": "file",
        "AllowedValues": ["file", "transfer"],
        "Description": "How payouts reach the bank: a daily file that a person takes there, or its interface.",
    },
    "PAYOUT_LEAST_FEN": {
        "Type": "Number",
        "Default": 1000,
        "MinValue": 1,
        "MaxValue": 10_000_000,
        "Description": "The least a party can withdraw, in fen.",
    },
    "PAYOUT_TWO_FEN": {
        "Type": "Number",
        "Default": 5_000_000,
        "MinValue": 1,
        "MaxValue": 10_000_000_000,
        "Description": "From this payout on, in fen, two people of the main site's staff have to agree.",
    },
    "DEPOSIT_FEN": {
        "Type": "Number",
        "Default": 200_000,
        "MinValue": 0,
        "MaxValue": 100_000_000,
        "Description": "The deposit asked of who applies for a sub-site, in fen; staff may say otherwise.",
    },
    "DEPOSIT_TO": {
        "Type": "String",
        "Default": "",
        "MaxLength": 100,
        "Description": "Where applicants send the deposit: bank, holder and number, as they are to read it.",
    },
    "DEPOSIT_DAYS": {
        "Type": "Number",
        "Default": 15,
        "MinValue": 1,
        "MaxValue": 90,
        "Description": "Days within which a deposit is given back.",
    },
    "WALLET_UNNAMED_FEN": {
        "Type": "Number",
        "Default": 100_000,
        "MinValue": 0,
        "MaxValue": 100_000,
        "Description": "The most a member may hold as balance, in fen.",
    },
    "WALLET_NAMED_FEN": {
        "Type": "Number",
        "Default": 500_000,
        "MinValue": 0,
        "MaxValue": 500_000,
        "Description": "The same once their name is verified.",
    },
    "SPLIT_AFTER": {
        "Type": "Number",
        "Default": 86_400,
        "MinValue": 60,
        "MaxValue": 1_728_000,
        "Description": "Seconds from delivery until a payment is split at its channel.",
    },
    "EDGE": {
        "Type": "String",
        "Default": "",
        "Description": "Output Settings of the edge, for domains of sub-sites' own; empty: there are none.",
    },
    "CELLS": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": _CELLS,
        "Description": "Accounts for sub-sites: a:8000,b@444455556666:8000; empty: all are in this one.",
    },
}
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
    carried = resources["ProvisionSites"]["Properties"]["Environment"]["Variables"]
    carried["SUBSITE_TEMPLATE"] = _carried(project / "infra/subsite.yaml")
    carried["DOMAIN_TEMPLATE"] = _carried(project / "infra/domain.yaml")
    whole["Transform"] = emitted["Transform"]
    whole["Conditions"] |= {
        _RESERVES: _not("HooksReserve", 0),
        _POLLERS_READY: _not("DeliveryPollers", 0),
        roles.SEVERAL_CELLS: _not("Cells", ""),
        rest.HAS_EDGE: _not("OriginSecret", ""),
    }
    whole["Parameters"] |= _PARAMETERS | _SIZES | {_parameter(name): term for name, term in _TERMS.items()}
    whole["Resources"] |= (
        resources | roles.cells(policies) | _watch(known) | queries.save(project, list(known))
    )
    tenant = roles.inline("tenant", roles.document(policies, "tenant"))
    whole["Resources"]["TenantRole"]["Properties"]["Policies"] = [tenant]
    whole["Outputs"] |= {name: _endpoint(api) for name, api in _ENDPOINTS.items()}
    whole["Outputs"]["AlarmTopic"] = {"Value": {"Ref": "Alarms"}}
    return whole


def _carried(path: Path) -> str:
    """A template as a function carries it: without what only people read."""
    whole = {name: part for name, part in load(path).items() if name != "Description"}
    for parameter in whole.get("Parameters", {}).values():
        parameter.pop("Description", None)
    return json.dumps(whole, separators=(",", ":"))


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
        **{name: {"Ref": _parameter(name)} for name in _TERMS},
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
    """What the deployment decides about its memory and its reserve."""
    if "FACES" in properties["Environment"]["Variables"]:
        properties["MemorySize"] = {"Ref": "PageMemory"}
    elif properties["MemorySize"] == _SIZES["WorkMemory"]["Default"]:
        properties["MemorySize"] = {"Ref": "WorkMemory"}
    if "ReservedConcurrentExecutions" in properties:
        reserve = [_RESERVES, {"Ref": "HooksReserve"}, {"Ref": "AWS::NoValue"}]
        properties["ReservedConcurrentExecutions"] = {"Fn::If": reserve}


def _not(parameter: str, value: int | str) -> Template:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, value]}]}


def _parameter(name: str) -> str:
    """SPLIT_AFTER is SplitAfter among the parameters of the template."""
    return name.title().replace("_", "")


def _connect(mapping: dict[str, Any]) -> None:
    queue = mapping["Queue"].removeprefix("placeholder-")  # as the workers' decorators name it
    mapping["Queue"] = {"Fn::GetAtt": [f"{queue.capitalize()}Queue", "Arn"]}
    mapping["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
    mapping["ScalingConfig"] = {"MaximumConcurrency": BATCHES[queue]}
    if queue == "fulfil":
        none = {"Ref": "AWS::NoValue"}
        ready = {"MinimumPollers": {"Ref": "DeliveryPollers"}, "MaximumPollers": _MOST_POLLERS}
        mapping["ScalingConfig"] = {"Fn::If": [_POLLERS_READY, none, mapping["ScalingConfig"]]}
        mapping["ProvisionedPollerConfig"] = {"Fn::If": [_POLLERS_READY, ready, none]}


def _endpoint(api: str) -> Template:
    url = f"https://${{{api}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/live/"
    return {"Value": {"Fn::Sub": url}}
