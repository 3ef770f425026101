"""The deployment as one template: main.yaml, Chalice's functions, and what neither can say."""

import json
from pathlib import Path
from typing import Any

from chalice.package import YAMLTemplateSerializer

from . import alarms, rest, roles

Template = dict[str, Any]

# Concurrent batches per queue: enough for a flash sale, and no queue can take the account's whole concurrency.
_BATCHES = {"fulfil": 100, "timer": 50, "settle": 20, "refund": 20, "publish": 10, "provision": 5}
_PARAMETERS = {
    "StaticUrl": {
        "Type": "String",
        "Default": "/static",
        "Description": "Where pages find their static files.",
    },
    "OriginSecret": {
        "Type": "String",
        "NoEcho": True,
        "Default": "",
        "Description": "What the edge sends to prove that it set X-Forwarded-Host.",
    },
}
_NEED_SUBSITE = ("Console", "ProvisionSites")


def assemble(functions: Template, paths: dict[str, list[str]], *, project: Path) -> Template:
    """The whole template from what Chalice packaged and the paths of each face. Raises rest.Unmapped."""
    whole = load(project / "infra/main.yaml")
    settings = json.loads((project / ".chalice/config.json").read_text())["lambda_functions"]
    resources = functions["Resources"]
    rest.split(resources, paths, settings)
    names = [name for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"]
    environment = _environment(list(_BATCHES))
    subsite = json.dumps(load(project / "infra/subsite.yaml"), separators=(",", ":"))
    for name in names:
        extra = {"SUBSITE_TEMPLATE": subsite} if name in _NEED_SUBSITE else {}
        _equip(resources, name, project / "policies", {**environment, **extra})
    resources |= alarms.calls([queue.capitalize() for queue in _BATCHES], names)
    whole["Transform"] = functions["Transform"]
    whole["Parameters"] |= _PARAMETERS
    whole["Resources"] |= resources
    whole["Resources"]["TenantRole"]["Properties"]["Policies"] = [
        roles.inline("tenant", roles.document(project / "policies", "tenant"))
    ]
    whole["Outputs"] |= {name: _endpoint(api) for name, api in _ENDPOINTS.items()}
    return whole


def load(path: Path) -> Template:
    """A CloudFormation template in YAML, short forms included."""
    template: Template = YAMLTemplateSerializer().load_template(path.read_text(), path.name)
    return template


_ENDPOINTS = {"EndpointUrl": "RestAPI", "HooksEndpointUrl": "HooksAPI"}


def _endpoint(api: str) -> Template:
    return {
        "Value": {"Fn::Sub": f"https://${{{api}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/live/"}
    }


def _environment(queues: list[str]) -> dict[str, Any]:
    return {
        "STAGE": {"Ref": "Stage"},
        "TABLE_PREFIX": {"Ref": "TablePrefix"},
        "KEY_ID": {"Fn::GetAtt": ["Key", "Arn"]},
        "TENANT_ROLE": {"Fn::GetAtt": ["TenantRole", "Arn"]},
        "SITE_DOMAIN": {"Ref": "SiteDomain"},
        "PUBLIC_SCHEME": "https",
        "STATIC_URL": {"Ref": "StaticUrl"},
        "ORIGIN_SECRET": {"Ref": "OriginSecret"},
        **{f"QUEUE_{queue.upper()}": {"Ref": f"{queue.capitalize()}Queue"} for queue in queues},
    }


def _equip(resources: Template, name: str, policies: Path, environment: dict[str, Any]) -> None:
    """Give a function its role, log, environment and, behind a queue, partial batches."""
    properties = resources[name]["Properties"]
    python_name = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    resources[f"{name}Logs"] = alarms.log_group(python_name)
    resources[f"{name}Role"] = roles.role(policies, python_name, f"{name}Logs")
    properties["Role"] = {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    properties["LoggingConfig"] = {"LogGroup": {"Ref": f"{name}Logs"}}
    own = properties.get("Environment", {}).get("Variables", {})
    properties["Environment"] = {"Variables": {**environment, **own}}
    for event in properties.get("Events", {}).values():
        if event["Type"] == "SQS":
            _connect(event["Properties"])


def _connect(mapping: dict[str, Any]) -> None:
    queue = mapping["Queue"].rsplit(":", 1)[-1]  # the worker's decorator names it: "arn:aws:sqs:::fulfil"
    mapping["Queue"] = {"Fn::GetAtt": [f"{queue.capitalize()}Queue", "Arn"]}
    mapping["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
    mapping["ScalingConfig"] = {"MaximumConcurrency": _BATCHES[queue]}
