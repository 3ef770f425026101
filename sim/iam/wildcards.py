"""Every `*` in an action or a resource of this project's policies, with the reason why it stands there.

Looked for in policies/*.json and in every policy of infra/*.yaml. Patterns of condition keys are no wildcards of this
kind: they narrow what a statement gives. A wildcard without a reason fails tests/policies/test_wildcards.py, as does a
reason whose wildcard is gone.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.package import template

from . import documents, pipeline
from .grants import several

_INFRA = Path(__file__).parents[2] / "infra"
_SECRETS = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${TablePrefix}"
_TABLE = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TablePrefix}-site-"
_EDGE = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}"
_ROLES = "arn:${AWS::Partition}:iam::*:role/${TablePrefix}/cells"
_MERCHANTS = (
    "A secret's name ends with channel, merchant and version; people set up merchants in the console, and no "
    "template is deployed for that. All below it are secrets of channels, and this function calls any channel."
)

Place = tuple[str, str, str]  # the document, the statement's Sid, the value

REASONS: dict[Place, str] = {
    **pipeline.REASONS,
    ("tenant", "ItsOwnIndexes", f"{_TABLE}${{aws:PrincipalTag/site}}/index/*"): (
        "Below the site's own table; an index that a later template adds needs no change of the role that all "
        "sites share while both templates are out."
    ),
    (
        "provision_sites",
        "OpensSites",
        (
            "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/${TablePrefix}-site-*/*"
        ),
    ): (
        "Opens sites that do not exist yet, so it cannot name them; the last part of a stack's name is an id that "
        "CloudFormation draws."
    ),
    ("provision_sites", "CloudFormationMakesTheirTables", f"{_TABLE}*"): (
        "Tables of sites that do not exist yet; only CloudFormation, called by this function, may use it, and no "
        "action of it reads or writes an item."
    ),
    ("provision_sites", "CloudFormationMakesTheirTables", f"{_TABLE}*/index/*"): (
        "The indexes of those tables, under the same condition."
    ),
    (
        "provision_sites",
        "BindsDomains",
        (
            "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}"
            ":stack/${TablePrefix}-domain-*/*"
        ),
    ): "As for sites: the domains that owners will bind cannot be named, and CloudFormation draws the last part.",
    **{
        ("provision_sites", f"CloudFormation{sid}", f"{_EDGE}:{kind}/*"): (
            "CloudFront draws the ids, and the edge is made after this policy; only CloudFormation, called by this "
            "function, may use it."
        )
        for sid, kind in (
            ("MakesTenantsOfTheEdge", "distribution-tenant"),
            ("PutsThemBehindTheEdge", "distribution"),
            ("PutsThemBehindTheEdge", "connection-group"),
        )
    },
    (
        "provision_sites",
        "CloudFormationAsksForTheirCertificates",
        "arn:${AWS::Partition}:acm:*:${AWS::AccountId}:certificate/*",
    ): (
        "A certificate that is asked for has no id yet, and CloudFront's are kept in a region of its own; under the "
        "same condition."
    ),
    ("pay_out", "ReadsHowToReachTheBank", f"{_SECRETS}/bank/*"): (
        "A secret's name ends with its version. All below it are the bank's, and nobody else reads them."
    ),
    ("console", "WritesSecretsOfChannels", f"{_SECRETS}/channels/*"): (
        "A secret's name ends with channel, merchant and version, which people type here. It may write them and "
        "read none."
    ),
    **{
        (name, "ReadsSecretsOfChannels", f"{_SECRETS}/channels/*"): _MERCHANTS
        for name in ("checkout", "drive_orders", "hooks", "reconcile_books", "refund_orders")
    },
    ("cells/functions", "ActsForOneSiteAtATimeInItsCell", f"{_ROLES}/tenant/*"): (
        "A cell is another account of the owner's, which the deployment names in CELLS; who may take the role there is "
        "said by that account's own trust policy."
    ),
    ("cells/provision_sites", "OpensAndMovesSites", f"{_ROLES}/operator/*"): (
        "As for the role that acts for a site: the cell's own trust policy names this function alone."
    ),
    ("cell.yaml TenantRole", "ItsOwnIndexes", f"{_TABLE}${{!aws:PrincipalTag/site}}/index/*"): (
        "As in the tenant role of the deployment's own account."
    ),
    ("cell.yaml OperatorRole", "SeesWhatIsThere", "*"): (
        "AWS lists stacks and tables of an account as a whole; what is listed are names, and `cardmesh drift` looks "
        "for those of no site."
    ),
    ("cell.yaml OperatorRole", "HearsOfDrift", "*"): (
        "AWS tells how a detection of drift goes by an id of its own, which no resource's name has; what is told are "
        "states."
    ),
    **{
        ("cell.yaml OperatorRole", sid, value): (
            "Sites that do not exist yet, or come from another account; provisioning, or people who are named, take it."
        )
        for sid, value in (
            *(
                (
                    verb,
                    (
                        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}"
                        ":stack/${TablePrefix}-site-*/*"
                    ),
                )
                for verb in ("OpensSites", "DetectsDrift")
            ),
            ("CloudFormationMakesTheirTables", f"{_TABLE}*"),
            ("CloudFormationMakesTheirTables", f"{_TABLE}*/index/*"),
            ("CarriesAndClearsTables", f"{_TABLE}*"),
        )
    },
    **{
        (policy, sid, value): reason
        for policy, bucket in (
            ("main.yaml StaticPolicy", "${StaticBucket.Arn}"),
            ("edge-cn.yaml StaticPolicy", "arn:${AWS::Partition}:s3:::${StaticBucket}"),
        )
        for sid, value, reason in (
            (
                "TheEdgeReads",
                f"{bucket}/static/*",
                "Every file below /static is public; only the edge of this account may fetch it.",
            ),
            ("NobodyWithoutTls", "s3:*", "A refusal: whatever is asked without TLS is denied."),
            ("NobodyWithoutTls", f"{bucket}/*", "The same refusal, for every object of the bucket."),
        )
    },
    **{
        (key, "PermissionsComeFromIamPolicies", value): reason
        for key in ("main.yaml Key", "backup.yaml Key", "backup.yaml SourceKey")
        for value, reason in (
            (
                "kms:*",
                "The account decides by IAM policies, as KMS recommends; else nobody could ever administer the key.",
            ),
            ("*", "In a key's policy this means that key alone."),
        )
    },
}


def found() -> set[Place]:
    """Every wildcard that there is."""
    return {
        (name, statement.get("Sid", ""), value)
        for name, document in written()
        for value, statement in starred(document)
    }


def starred(document: Any) -> Iterator[tuple[str, Any]]:
    """The actions and resources of a policy with a wildcard in them, and their statements."""
    for statement in several(document["Statement"]):
        for element in ("Action", "NotAction", "Resource", "NotResource"):
            for value in several(statement.get(element, [])):
                text = value.get("Fn::Sub", "") if isinstance(value, dict) else value
                if {"*", "?"} & set(text):
                    yield text, statement


def written() -> Iterator[tuple[str, Any]]:
    """Every policy by the name of its file, or of its template and resource."""
    for path in sorted(documents.POLICIES.rglob("*.json")):
        yield path.relative_to(documents.POLICIES).with_suffix("").as_posix(), json.loads(path.read_text())
    for path in sorted(_INFRA.glob("*.yaml")):
        for resource, content in template.load(path)["Resources"].items():
            for document in _policies(content):
                yield f"{path.name} {resource}", document


def _policies(node: Any) -> Iterator[Any]:
    """Whatever has statements, however deep in a template."""
    if isinstance(node, dict):
        if "Statement" in node:
            yield node
        for value in node.values():
            yield from _policies(value)
    for one in node if isinstance(node, list) else ():
        yield from _policies(one)
