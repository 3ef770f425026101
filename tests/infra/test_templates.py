"""main.yaml and subsite.yaml: what they promise, and that they come up."""

from pathlib import Path

import pytest

from chalicelib.tenancy import service as tenancy
from infra.package import template

INFRA = Path(__file__).parents[2] / "infra"
QUEUES = ("Fulfil", "Settle", "Timer", "Refund", "Provision", "Publish")
SECONDS = {"Fulfil": 60, "Settle": 60, "Timer": 60, "Refund": 60, "Provision": 120, "Publish": 120}

MAIN = template.load(INFRA / "main.yaml")
SUBSITE = template.load(INFRA / "subsite.yaml")
TABLES = {"main": MAIN["Resources"]["MainTable"], "subsite": SUBSITE["Resources"]["Table"]}


def test_a_sub_site_is_at_most_three_resources_and_four_kilobytes():
    assert len(SUBSITE["Resources"]) <= 3
    assert (INFRA / "subsite.yaml").stat().st_size <= 4096


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_is_backed_up_encrypted_and_hard_to_lose(table):
    properties = table["Properties"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert properties["DeletionProtectionEnabled"]
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert [key["AttributeName"] for key in properties["KeySchema"]] == ["pk", "sk"]


def test_only_a_sub_site_has_an_index_and_it_holds_keys_alone():
    (index,) = TABLES["subsite"]["Properties"]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "member"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["m", "sk"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert "GlobalSecondaryIndexes" not in TABLES["main"]["Properties"]


def test_a_shared_table_is_capped_at_what_a_new_one_serves_and_a_dedicated_one_is_made_ready_for_more():
    assert SUBSITE["Parameters"]["Tier"]["AllowedValues"] == list(tenancy.TIERS)
    table = TABLES["subsite"]["Properties"]
    units = {kind: most["Fn::If"] for kind, most in table["OnDemandThroughput"].items()}
    assert units == {
        "MaxReadRequestUnits": ["Dedicated", 40_000, 12_000],
        "MaxWriteRequestUnits": ["Dedicated", 40_000, 4_000],
    }
    condition, ready, otherwise = table["WarmThroughput"]["Fn::If"]
    assert (condition, otherwise) == ("Dedicated", {"Ref": "AWS::NoValue"})
    assert ready["WriteUnitsPerSecond"] > 4_000


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_waits_long_enough_and_loses_nothing(name):
    queue = MAIN["Resources"][f"{name}Queue"]["Properties"]
    dead = MAIN["Resources"][f"{name}DeadLetters"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * SECONDS[name]
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 10
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [f"{name}DeadLetters", "Arn"]}
    assert dead["MessageRetentionPeriod"] == 14 * 86_400
    assert queue["SqsManagedSseEnabled"]
    assert dead["SqsManagedSseEnabled"]
    assert "FifoQueue" not in queue


def test_the_bucket_of_static_files_is_private():
    bucket = MAIN["Resources"]["StaticBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


@pytest.mark.cloud
def test_the_main_stack_and_two_sub_sites_come_up(cloud):
    outputs = _deploy(cloud, "cardmesh-main", "main.yaml", Stage="test", SiteDomain="shop.localhost")
    tables = [_deploy(cloud, f"cardmesh-site-{s}", "subsite.yaml", Site=s)["Table"] for s in ("demo", "camp")]
    assert tables == ["cardmesh-site-demo", "cardmesh-site-camp"]
    assert outputs["MainTable"] == "cardmesh-main"
    assert outputs["MainHost"] == "main.shop.localhost"
    _sells(cloud, outputs)


def _deploy(cloud, name, file, **parameters):
    formation = cloud("cloudformation")
    formation.create_stack(
        StackName=name,
        TemplateBody=(INFRA / file).read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    waiter = formation.get_waiter("stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _sells(cloud, outputs):
    """Tables, queues, key, role and bucket answer under the names the outputs give."""
    item = {"pk": {"S": "A"}, "sk": {"S": "B"}, "m": {"S": "M"}}
    for table in ("cardmesh-main", "cardmesh-site-demo", "cardmesh-site-camp"):
        cloud("dynamodb").put_item(TableName=table, Item=item)
    found = cloud("dynamodb").query(
        TableName="cardmesh-site-demo",
        IndexName="member",
        KeyConditionExpression="m = :m",
        ExpressionAttributeValues={":m": {"S": "M"}},
    )
    assert found["Count"] == 1
    for name in QUEUES:
        cloud("sqs").send_message(QueueUrl=outputs[f"Queue{name}"], MessageBody="{}", MessageGroupId="demo")
        asked = cloud("sqs").get_queue_attributes(
            QueueUrl=outputs[f"Queue{name}"], AttributeNames=["QueueArn"]
        )
        assert asked["Attributes"]["QueueArn"] == outputs[f"Queue{name}Arn"]
    made = cloud("kms").generate_data_key_without_plaintext(KeyId=outputs["KeyId"], KeySpec="AES_256")
    assert len(cloud("kms").decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]) == 32
    cloud("s3").put_object(Bucket=outputs["StaticBucket"], Key="static/x", Body=b"x")
    tag = [{"Key": "site", "Value": "demo"}]
    acting = cloud("sts").assume_role(RoleArn=outputs["TenantRoleArn"], RoleSessionName="demo", Tags=tag)
    assert acting["Credentials"]["SessionToken"]
