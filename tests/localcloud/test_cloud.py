"""The embedded cloud for real: deployed, stopped, continued on another port."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localcloud import cloud, stack
from localcloud.place import Place

pytestmark = pytest.mark.cloud


@pytest.fixture(autouse=True)
def installed() -> None:
    if not cloud.PROGRAM.exists():
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("The embedded cloud is not installed: run `make test`, or name it in MINISTACK.")


@pytest.fixture(autouse=True)
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "static"
    (folder / "v1/vendor").mkdir(parents=True)
    (folder / "v1/a.css").write_text("a{}")
    (folder / "v1/vendor/b.js").write_text("b()")
    monkeypatch.setattr(stack, "_STATIC", folder)


@contextmanager
def running(folder: Path) -> Iterator[Place]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = Place(free.getsockname()[1] - 2, folder)
    child = cloud.child(place)
    child.start()
    try:
        child.wait_until(lambda: cloud.answers(f"{place.cloud_url}/_ministack/health"))
        yield place
    finally:
        child.stop()
    assert child.status == 0


def test_a_second_start_continues_with_the_data_even_on_another_port(tmp_path: Path) -> None:
    key = {"pk": {"S": "A"}, "sk": {"S": "1"}}
    with running(tmp_path) as place:
        env = stack.environment(place, stack.deploy(place))
        cloud.client("dynamodb", place.cloud_url).put_item(TableName="cardmesh-main", Item=key)
        cloud.client("sqs", place.cloud_url).send_message(QueueUrl=env["QUEUE_FULFIL"], MessageBody="waits")
    with running(tmp_path) as place:
        again = stack.environment(place, stack.deploy(place))
        assert again["TENANT_ROLE"] == env["TENANT_ROLE"]
        table = cloud.client("dynamodb", place.cloud_url)
        assert table.get_item(TableName="cardmesh-main", Key=key)["Item"] == key
        queue = cloud.client("sqs", place.cloud_url)
        (message,) = queue.receive_message(QueueUrl=again["QUEUE_FULFIL"])["Messages"]
        assert message["Body"] == "waits"


def test_the_functions_can_start_with_this_environment(tmp_path: Path) -> None:
    from chalicelib.kit import config

    with running(tmp_path) as place:
        settings = config.read(stack.environment(place, stack.deploy(place)))
    assert set(settings.queues) == set(config.QUEUES)
    assert all(settings.queues.values())
    assert settings.main_host == f"main.localhost:{place.port}"
    assert settings.static_url == "/static/v1"
    assert settings.subsite_template.startswith("AWSTemplateFormatVersion")


def test_credentials_of_the_tenant_role_reach_the_same_data(tmp_path: Path) -> None:
    import botocore.session

    with running(tmp_path) as place:
        outputs = stack.deploy(place)
        granted = cloud.client("sts", place.cloud_url).assume_role(
            RoleArn=outputs["TenantRoleArn"],
            RoleSessionName="site-demo",
            Tags=[{"Key": "site", "Value": "demo"}],
        )["Credentials"]
        client = botocore.session.Session().create_client(
            "dynamodb",
            region_name=cloud.REGION,
            endpoint_url=place.cloud_url,
            aws_access_key_id=granted["AccessKeyId"],
            aws_secret_access_key=granted["SecretAccessKey"],
            aws_session_token=granted["SessionToken"],
        )
        assert client.list_tables()["TableNames"] == [outputs["MainTable"]]


def test_a_changed_template_updates_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path) as place:
        url = stack.deploy(place)["QueueFulfil"]
        changed = tmp_path / "main.yaml"
        changed.write_text(
            stack._TEMPLATE.read_text().replace("VisibilityTimeout: 360", "VisibilityTimeout: 361")
        )
        monkeypatch.setattr(stack, "_TEMPLATE", changed)
        stack.deploy(place)
        queue = cloud.client("sqs", place.cloud_url)
        asked = queue.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        assert asked["Attributes"] == {"VisibilityTimeout": "361"}


def test_static_files_reach_the_bucket_with_their_types(tmp_path: Path) -> None:
    with running(tmp_path) as place:
        bucket = stack.deploy(place)["StaticBucket"]
        assert stack.upload(place, bucket) == 2
        storage = cloud.client("s3", place.cloud_url)
        kinds = {
            each["Key"]: storage.get_object(Bucket=bucket, Key=each["Key"])["ContentType"]
            for each in storage.list_objects_v2(Bucket=bucket)["Contents"]
        }
    assert kinds == {
        "static/v1/a.css": "text/css; charset=utf-8",
        "static/v1/vendor/b.js": "text/javascript; charset=utf-8",
    }


def test_nothing_of_the_persons_own_settings_reaches_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    assert {"AWS_PROFILE", "HTTPS_PROXY"}.isdisjoint(cloud.plain_env())
    assert set(cloud.plain_env()) <= {"PATH", "HOME", "LANG", "PYTHONUNBUFFERED"}
