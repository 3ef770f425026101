"""Each function's policy allows what the function does and nothing beside."""

import itertools

import pytest

from sim.iam import documents
from sim.iam.evaluate import Request, allows

READ = ("GetItem", "BatchGetItem")
WRITE = ("PutItem", "UpdateItem", "ConditionCheckItem")
LIST = (*READ, "Query")
ACTIONS = (*LIST, *WRITE, "DeleteItem", "BatchWriteItem", "Scan", "DeleteTable")
BROWSING = ("HOST#x", "SITE#x")
CHANNELS = ("CHANNEL#x",)
STOCK = ("PTR#x", "SKU#x", "BACK#x")
MONEY = ("STMT#x", "ACC#x", "SITE#x")
KEYS = (
    *BROWSING,
    *CHANNELS,
    *STOCK,
    *MONEY,
    "CHUNK#x",
    "KEY#main",
    "KEY#demo",
    "CASE#x",
    "FEED#x",
    "BOARD#x",
)
KEYS += (
    "ACCOUNT#x",
    "SESSION#x",
    "GOODS#x",
    "BATCH#x",
    "PLAN#x",
    "RECEIVER#x",
    "AGENT#x",
    "PAYOUT#x",
    "FLOW#x",
    "J#x",
    "COMPARED#x",
    "BILL#x",
    "RECON#x",
    "AUDIT#x",
    "PROBE#x",
    "SITE",
    "x",
)
KEYS += ("PAYOUTS#open", "PAYEE#x", "DEP#x", "KEY#payees", "J#x")
ALL = tuple(dict.fromkeys(KEYS))

# Claiming positions, giving them back and folding what came back.
RETURNS = [
    (("GetItem",), ("PTR#x", "SKU#x")),
    (("BatchGetItem",), ("PTR#x",)),
    (("Query",), ("BACK#x",)),
    (("UpdateItem",), STOCK),
    (("PutItem",), ("PTR#x", "BACK#x")),
]
# function → what it may do in the main table: (actions, leading keys) …
MAIN = {
    "storefront": [(("GetItem",), BROWSING), (("BatchGetItem",), ("PTR#x", "SKU#x"))],
    "checkout": [
        *RETURNS,
        (("GetItem",), (*BROWSING, *CHANNELS)),
        (("BatchGetItem",), ("SKU#x",)),
        (("Query",), ("PLAN#x",)),
    ],
    "receipts": [(("GetItem",), (*BROWSING, "PTR#x", "KEY#main")), (("BatchGetItem",), ("CHUNK#x",))],
    "hooks": [(("GetItem",), (*BROWSING, *CHANNELS)), (("PutItem",), ("BACK#x", "CASE#x"))],
    "console": [((*LIST, *WRITE, "BatchWriteItem"), ALL)],
    "deliver_orders": [*RETURNS, (("PutItem",), ("CASE#x",))],
    "settle_orders": [
        (("GetItem",), (*MONEY, "DEP#x", "CHANNEL#x", "RECEIVER#x")),
        (("UpdateItem",), ("STMT#x", "ACC#x", "DEP#x")),
        (("Query",), ("PLAN#x",)),
        (("PutItem",), ("FLOW#x", "J#x")),
    ],
    "refund_orders": [
        (("GetItem",), ("SITE#x", *CHANNELS, "RECEIVER#x", "CASE#x")),
        (("PutItem",), ("BACK#x", "CASE#x", "J#x")),
        (("Query",), ("PLAN#x",)),
        (("UpdateItem",), ("PROBE#x", "CASE#x", "RECEIVER#x")),
    ],
    "reconcile_books": [
        (("GetItem",), ("SITE#x", *CHANNELS, "RECON#x", "COMPARED#x", "CASE#x", "RECEIVER#x")),
        (("Query",), ("SITE#x", "COMPARED#x", "PLAN#x", "BILL#x", "J#x")),
        (("UpdateItem",), ("RECON#x", "COMPARED#x", "CASE#x")),
        (("PutItem",), ("BILL#x", "J#x", "CASE#x", "BACK#x")),
    ],
    "ask_for_bills": [(("Query",), (*CHANNELS, "RECON#x", "CASE#x")), (("BatchGetItem",), ("CASE#x",))],
    "drive_orders": [
        *RETURNS,
        (("GetItem",), ("SITE#x", *CHANNELS)),
        (("Query",), ("BATCH#x", "GOODS#x", "SITE#x")),
        (("PutItem",), ("FEED#x", "CASE#x")),
    ],
    "provision_sites": [(("GetItem", "UpdateItem"), ("SITE#x", "HOST#x"))],
    "tend_sites": [
        (("GetItem", "Query", "UpdateItem"), ("SITE#x",)),
        (("GetItem",), ("ACC#x", "DEP#x")),
        (("Query",), ("STMT#x",)),
        (("BatchGetItem", "PutItem"), ("CASE#x",)),
    ],
    "publish_catalogs": [(("GetItem",), ("SITE#x",)), (("Query",), ("SITE#x", "GOODS#x"))],
    "walk_sites": [(("Query",), ("SITE#x", "FEED#x"))],
    "close_windows": [(("Query",), ("SITE#x",))],
    "audit_pools": [(("Query",), ("SITE#x",))],
    "pay_out": [
        (("GetItem", "UpdateItem"), ("PAYOUT#x", "ACC#x", "DEP#x")),
        (("PutItem", "UpdateItem"), ("PAYOUTS#open",)),
        (("PutItem",), ("PAYOUT#x",)),
        ((*LIST, "ConditionCheckItem"), ("PAYEE#x",)),
        (("GetItem",), ("KEY#payees",)),
        (("PutItem",), ("J#x", "FLOW#x", "CASE#x")),
        (("Query",), ("PAYOUTS#open",)),
        (("BatchGetItem",), ("PAYOUT#x", "CASE#x")),
        (("GetItem", "UpdateItem"), ("CASE#x",)),
    ],
    "plan_payouts": [(("Query",), ("SITE#x", "PAYOUTS#open")), (("BatchGetItem",), ("PAYEE#x",))],
}
SENDS = {
    "storefront": "",
    "checkout": "Fulfil Refund Settle Timer",
    "receipts": "",
    "hooks": "Fulfil Refund Timer",
    "console": "Provision Publish Fulfil Refund Reconcile Settle Timer Payout",
    "deliver_orders": "Settle Refund Timer",
    "settle_orders": "",
    "refund_orders": "Refund Timer",
    "drive_orders": "Fulfil Refund Timer",
    "provision_sites": "Publish Provision",
    "tend_sites": "Provision",
    "publish_catalogs": "Publish",
    "walk_sites": "Timer",
    "close_windows": "Settle",
    "audit_pools": "Timer",
    "reconcile_books": "Fulfil Refund Timer Reconcile",
    "ask_for_bills": "Refund Reconcile",
    "pay_out": "Payout",
    "plan_payouts": "Payout",
}
TAKES = {
    "deliver_orders": "Fulfil",
    "settle_orders": "Settle",
    "refund_orders": "Refund",
    "drive_orders": "Timer",
    "reconcile_books": "Reconcile",
    "provision_sites": "Provision",
    "publish_catalogs": "Publish",
    "pay_out": "Payout",
}
OPENS = {"receipts": {"main"}, "console": {"main", "payees"}, "pay_out": {"payees"}}
SECRET = {
    "checkout",
    "hooks",
    "refund_orders",
    "drive_orders",
    "reconcile_books",
}  # who reads the secrets of channels
FUNCTIONS = tuple(MAIN)
FOR_MAIN_ALONE = (  # they never act for a site
    "ask_for_bills",
    "pay_out",
    "plan_payouts",
    "walk_sites",
    "close_windows",
    "audit_pools",
)  # they never act for a site
for_each_function = pytest.mark.parametrize("function", FUNCTIONS)


def may(function, action, resource, **context):
    return allows(documents.policy(function), Request(action, resource, context))


def statements(name):
    return documents.policy(name)["Statement"]


def test_every_policy_belongs_to_a_function_of_the_table():
    assert documents.functions() == sorted(FUNCTIONS)


@for_each_function
def test_the_main_table_is_open_to_exactly_these_keys(function):
    policy = documents.policy(function)
    allowed = {
        (action, key)
        for action, key in itertools.product(ACTIONS, ALL)
        if allows(policy, Request(f"dynamodb:{action}", documents.MAIN, {"dynamodb:LeadingKeys": (key,)}))
    }
    assert allowed == {pair for actions, keys in MAIN[function] for pair in itertools.product(actions, keys)}


@for_each_function
def test_one_foreign_key_in_a_batch_spoils_it(function):
    keys = {"dynamodb:LeadingKeys": ("SITE#x", "PAYOUT#x")}
    assert may(function, "dynamodb:BatchGetItem", documents.MAIN, **keys) is (function == "console")


@for_each_function
def test_a_call_that_names_no_key_is_refused(function):
    asked = [action for action in ACTIONS if may(function, f"dynamodb:{action}", documents.MAIN)]
    assert not asked or function == "console"


@for_each_function
@pytest.mark.parametrize("action", [*ACTIONS, "CreateTable"])
def test_a_sites_table_is_reached_through_the_tenant_role_alone(function, action):
    own = f"{documents.TABLES}cardmesh-site-demo"
    assert not may(function, f"dynamodb:{action}", own)
    assert not may(function, f"dynamodb:{action}", own + "/index/member")
    assert may(function, "sts:AssumeRole", documents.TENANT) is (function not in FOR_MAIN_ALONE)
    assert not may(function, "sts:AssumeRole", documents.TENANT + "2")


def test_cloudformation_makes_the_tenants_of_the_edge_for_the_provisioner_and_nobody_else():
    """All that the resource type says its handlers need; no tenant has a firewall of its own."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as SCHEMAS

    kind = "AWS::CloudFront::DistributionTenant"
    handlers = SCHEMAS.get_resource_schema("us-east-1", kind).schema["handlers"]
    needed = {one for name in ("create", "read", "delete") for one in handlers[name]["permissions"]}
    called = {"aws:CalledVia": ("cloudformation.amazonaws.com",)}
    for action in sorted(needed - {"wafv2:GetWebACL"}):
        service = action.partition(":")[0]
        made = "acm:us-east-1" if service == "acm" else "cloudfront:"
        arn = f"arn:aws:{made}:111122223333:{'certificate' if service == 'acm' else 'distribution-tenant'}/1"
        for function in FUNCTIONS:
            assert may(function, action, arn, **called) is (function == "provision_sites"), (function, action)
            assert not may(function, action, arn), (function, action)


def test_cloudformation_makes_the_tables_of_sites_for_the_provisioner():
    called = {"aws:CalledVia": ("cloudformation.amazonaws.com",)}
    own = f"{documents.TABLES}cardmesh-site-demo"
    assert may("provision_sites", "dynamodb:CreateTable", own, **called)
    assert not may("provision_sites", "dynamodb:CreateTable", documents.MAIN, **called)
    assert not may("provision_sites", "dynamodb:DeleteTable", own, **called)
    assert not may("provision_sites", "dynamodb:GetItem", own, **called)


@for_each_function
def test_only_the_provisioner_touches_stacks_and_only_those_of_sites(function):
    stacks = "arn:aws:cloudformation:eu-west-1:111122223333:stack/cardmesh-"
    is_provisioner = function == "provision_sites"
    assert may(function, "cloudformation:CreateStack", stacks + "site-demo/1") is is_provisioner
    assert may(function, "cloudformation:CreateStack", stacks + "domain-demo-1/1") is is_provisioner
    assert not may(function, "cloudformation:CreateStack", stacks + "main/1")


@for_each_function
def test_messages_are_sent_to_and_taken_from_exactly_these_queues(function):
    for name, arn in documents.QUEUE_ARNS.items():
        assert may(function, "sqs:SendMessage", arn) is (name in SENDS[function].split())
        assert may(function, "sqs:ReceiveMessage", arn) is (TAKES.get(function) == name)
        assert may(function, "sqs:DeleteMessage", arn) is (TAKES.get(function) == name)


@for_each_function
def test_data_keys_are_opened_for_exactly_these_owners(function):
    opened = {
        owner
        for owner in ("main", "payees", "demo")
        if may(function, "kms:Decrypt", documents.KEY, **{"kms:EncryptionContext:site": owner})
    }
    assert opened == OPENS.get(function, set())
    assert not may(function, "kms:Decrypt", documents.KEY)


@for_each_function
@pytest.mark.parametrize("place", ["channels/main/wechat/m1/key/api_v3_key", "other/main"])
def test_secrets_of_channels_are_read_where_channels_are_called_and_written_in_the_console(function, place):
    arn = f"{documents.PARAMETERS}{place}"
    context = {"kms:EncryptionContext:PARAMETER_ARN": arn}
    is_secret = place.startswith("channels/")
    reads, writes = is_secret and function in SECRET, is_secret and function == "console"
    assert may(function, "ssm:GetParameters", arn) is reads
    assert may(function, "kms:Decrypt", documents.KEY, **context) is reads
    assert may(function, "ssm:PutParameter", arn) is writes
    assert may(function, "kms:Encrypt", documents.KEY, **context) is writes
    assert not may(function, "ssm:GetParameter", arn)
    assert not may(function, "ssm:GetParametersByPath", arn)


@for_each_function
def test_how_to_reach_the_bank_is_read_by_the_one_function_that_pays(function):
    arn = f"{documents.PARAMETERS}bank/transfer"
    context = {"kms:EncryptionContext:PARAMETER_ARN": arn}
    assert may(function, "ssm:GetParameters", arn) is (function == "pay_out")
    assert may(function, "kms:Decrypt", documents.KEY, **context) is (function == "pay_out")
    assert not may(function, "ssm:PutParameter", arn)


@pytest.mark.parametrize("name", [*FUNCTIONS, "tenant"])
def test_no_policy_names_every_action_or_every_resource(name):
    for statement in statements(name):
        actions, resources = (
            [value] if isinstance(value := statement[e], str) else value for e in ("Action", "Resource")
        )
        assert not [action for action in actions if "*" in action]
        assert "*" not in resources
        assert statement["Sid"].isalnum()


@pytest.mark.parametrize("name", [*FUNCTIONS, "tenant"])
def test_for_all_values_never_stands_without_null(name):
    for statement in statements(name):
        condition = statement.get("Condition", {})
        keys = {
            key
            for operator, block in condition.items()
            if operator.startswith("ForAllValues")
            for key in block
        }
        assert keys <= {key for key, wanted in condition.get("Null", {}).items() if wanted == "false"}
