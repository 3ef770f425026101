"""The packaged template: what is deployed is what was meant."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from chalicelib.kit import config
from infra.package import build, layers, parameters, rest, template
from infra.package.target import Target
from infra.rehearsal import deployed

pytestmark = pytest.mark.package

PROJECT = Path(__file__).parents[2]
# worker → its queue, batch size, batching window and timeout in seconds
WORKERS = {
    "DeliverOrders": ("Fulfil", 10, 0, 60),
    "SettleOrders": ("Settle", 10, 5, 60),
    "RefundOrders": ("Refund", 1, 0, 60),
    "ReconcileBooks": ("Reconcile", 1, 0, 300),
    "DriveOrders": ("Timer", 10, 2, 60),
    "ProvisionSites": ("Provision", 1, 0, 120),
    "PublishCatalogs": ("Publish", 10, 0, 120),
    "PayOut": ("Payout", 1, 0, 60),
}
SCHEDULES = {
    "WalkSites": "rate(15 minutes)",
    "CloseWindows": "cron(30 * * * ? *)",
    "AskForBills": "cron(40 * * * ? *)",
    "PlanPayouts": "cron(45 * * * ? *)",
    "TendSites": "cron(10 * * * ? *)",
    "AuditPools": "cron(30 19 * * ? *)",  # 03:30 in Beijing
}


HOT = (
    "checkout",
    "hooks",
    "storefront",
    "receipts",
    "deliver_orders",
    "drive_orders",
    "settle_orders",
)  # somebody waits for their start


ROBOTS = json.dumps(
    {
        "requestContext": {"httpMethod": "GET", "resourcePath": "/robots.txt", "identity": {}},
        "headers": {"Host": "nowhere.shop.localhost"},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "body": None,
        "stageVariables": None,
        "isBase64Encoded": False,
        "path": "/robots.txt",
    }
)


@pytest.fixture
def expanded(packaged, monkeypatch):
    """The template as CloudFormation sees it after the SAM transform."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return deployed.expanded(packaged.template)


def lint(path):
    call = [
        Path(sys.executable).with_name("cfn-lint"),
        "--regions",
        "us-east-1",
        "cn-north-1",
        "--",
        str(path),
    ]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_template_is_clean(packaged):
    assert lint(packaged.folder / build.TEMPLATE) == (0, "")


def test_the_template_is_clean_after_the_transform(expanded, tmp_path):
    (tmp_path / "expanded.json").write_text(json.dumps(expanded))
    assert lint(tmp_path / "expanded.json") == (0, "")


def test_it_stays_within_the_limits_of_cloudformation_and_lambda(packaged, expanded):
    assert len(expanded["Resources"]) <= 500
    assert len(json.dumps(packaged.template)) <= 1_000_000
    unpacked = {name: _unpacked(packaged.folder / name) for name in packaged.sizes}
    assert max(unpacked.values()) + sum(unpacked[name] for name in layers.ZIPS) <= 250 << 20


def _unpacked(path):
    with zipfile.ZipFile(path) as packed:
        return sum(entry.file_size for entry in packed.infolist())


def test_every_function_has_a_zip_and_all_but_the_console_are_small(packaged):
    names = {function["CodeUri"].removeprefix("./") for function in packaged.functions.values()}
    assert names | {*layers.ZIPS} == set(packaged.sizes)
    assert {name for name in names if packaged.sizes[name] > 1_500_000} == {"console.zip"}


@pytest.mark.parametrize("function", HOT)
def test_a_hot_function_loads_three_megabytes_at_most_and_cryptography(packaged, function):
    loaded = [layer for layer in _layers(packaged, function) if layer != "cryptography.zip"]
    assert sum(packaged.sizes[name] for name in (f"{function}.zip", *loaded)) <= 3_000_000
    assert packaged.sizes["cryptography.zip"] <= 5_000_000


def _layers(packaged, function):
    """The layers of a function that somebody calls by its name in the code."""
    (properties,) = [f for name, f in packaged.functions.items() if template.in_code(name) == function]
    resources = [packaged.resources[each["Ref"]]["Properties"] for each in properties["Layers"]]
    return [each["ContentUri"].removeprefix("./") for each in resources]


def test_functions_and_their_layers_are_made_for_one_runtime(packaged):
    for name, function in packaged.functions.items():
        assert "libraries.zip" in _layers(packaged, template.in_code(name))
        for layer in (packaged.resources[each["Ref"]]["Properties"] for each in function["Layers"]):
            assert [function["Runtime"]] == layer["CompatibleRuntimes"] == [Target().runtime]
            assert function["Architectures"] == layer["CompatibleArchitectures"] == ["x86_64"]


def test_sizes_are_parameters_with_the_defaults_that_costs_are_reckoned_with(packaged):
    settings = json.loads((PROJECT / ".chalice/config.json").read_text())
    faces = {settings["lambda_functions"][face]["lambda_memory_size"] for face in rest.FACES}
    parameters = packaged.template["Parameters"]
    assert {parameters["PageMemory"]["Default"]} == faces
    assert parameters["WorkMemory"]["Default"] == settings["lambda_memory_size"]
    hooks = settings["lambda_functions"]["hooks"]
    assert parameters["HooksReserve"]["Default"] == hooks["reserved_concurrency"]
    assert packaged.functions["SettleOrders"]["MemorySize"] == {"Ref": "WorkMemory"}
    assert {n for n, f in packaged.functions.items() if f["MemorySize"] == {"Ref": "LargeMemory"}} == {
        "DeliverOrders",
        "ReconcileBooks",
    }
    assert all(isinstance(function["MemorySize"], dict) for function in packaged.functions.values())


def test_the_functions_are_the_faces_and_the_workers(packaged):
    assert set(packaged.functions) == {face.capitalize() for face in rest.FACES} | set(WORKERS) | set(
        SCHEDULES
    )


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_takes_from_its_queue_and_answers_for_each_message(packaged, name):
    queue, batch, window, timeout = WORKERS[name]
    mapping = packaged.mappings[name]
    assert mapping["Queue"] == {"Fn::GetAtt": [f"{queue}Queue", "Arn"]}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == batch
    assert mapping["MaximumBatchingWindowInSeconds"] == window
    scaling = mapping["ScalingConfig"]
    most = scaling.get("Fn::If", [scaling])[-1]["MaximumConcurrency"]
    if queue == "Provision":
        assert most == {"Ref": "SitesAtOnce"}
        most = packaged.template["Parameters"]["SitesAtOnce"]["Default"]
    assert most == template.BATCHES[queue.lower()] >= 2
    assert _seconds(packaged, name) == timeout


def _seconds(packaged, name, which="MaxValue"):
    """How long a function may run, at most or as by default."""
    told = packaged.functions[name]["Timeout"]
    return packaged.template["Parameters"][told["Ref"]][which] if isinstance(told, dict) else told


def test_timeouts_are_as_told_by_default_and_pages_end_before_their_api_stops_waiting(packaged):
    settings = json.loads((PROJECT / ".chalice/config.json").read_text())
    for name in packaged.functions:
        own = settings["lambda_functions"].get(template.in_code(name), {})
        assert _seconds(packaged, name, "Default") == own.get("lambda_timeout", settings["lambda_timeout"])
    assert {_seconds(packaged, face.capitalize()) for face in rest.FACES} == {29}


def test_shops_leave_callbacks_a_share_of_the_accounts_requests(packaged):
    (limits,) = packaged.resources["RestAPI"]["Properties"]["MethodSettings"]
    assert (limits["HttpMethod"], limits["ResourcePath"]) == ("*", "/*")
    assert limits["ThrottlingRateLimit"] == {"Ref": "ShopRequests"}
    assert limits["ThrottlingBurstLimit"] == {"Ref": "ShopBurst"}
    defaults = [packaged.template["Parameters"][name]["Default"] for name in ("ShopRequests", "ShopBurst")]
    assert defaults == [
        0.8 * 10_000,
        0.8 * 5000,
    ]  # API Gateway developer guide, limits of an account and region
    assert "MethodSettings" not in packaged.resources["HooksAPI"]["Properties"]


def test_deliveries_have_pollers_kept_ready_where_somebody_pays_for_them(packaged):
    mapping = packaged.mappings["DeliverOrders"]
    ready, at_first = mapping["ProvisionedPollerConfig"]["Fn::If"][1:]
    assert ready["MaximumPollers"] > max(packaged.template["Parameters"]["DeliveryPollers"]["AllowedValues"])
    assert at_first == {"Ref": "AWS::NoValue"}
    assert mapping["ScalingConfig"]["Fn::If"][1] == {"Ref": "AWS::NoValue"}  # AWS takes one or the other


@pytest.mark.parametrize("name", WORKERS)
def test_a_workers_queue_waits_six_times_as_long_and_its_dead_letters_raise_an_alarm(packaged, name):
    queue, _, window, timeout = WORKERS[name]
    properties = packaged.resources[f"{queue}Queue"]["Properties"]
    assert properties["VisibilityTimeout"] >= 6 * timeout + window
    dead = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    (alarm,) = _alarms_on(packaged, "ApproximateNumberOfMessagesVisible", dead)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    (alarm,) = _alarms_on(packaged, "ApproximateAgeOfOldestMessage", f"{queue}Queue")
    assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]


def _alarms_on(packaged, metric, queue):
    dimension = [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
    alarms = [r["Properties"] for r in packaged.resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    return [
        alarm for alarm in alarms if alarm.get("MetricName") == metric and alarm["Dimensions"] == dimension
    ]


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_runs_when_it_should(packaged, name):
    (event,) = packaged.functions[name]["Events"].values()
    assert event == {"Type": "Schedule", "Properties": {"Schedule": SCHEDULES[name]}}


def test_every_function_has_a_role_a_log_and_settings_of_its_own(packaged):
    for name, function in packaged.functions.items():
        assert function["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        assert function["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Logs"}
        variables = function["Environment"]["Variables"]
        assert {"STAGE", "TABLE_PREFIX", "KEY_ID", "TENANT_ROLE", "SITE_DOMAIN", "PUBLIC_SCHEME"} <= set(
            variables
        )
        assert {key for key in variables if key.startswith("QUEUE_")} == {
            f"QUEUE_{queue.upper()}" for queue, *_ in WORKERS.values()
        }


@pytest.mark.parametrize("name", parameters.TERMS)
def test_what_a_deployment_decides_is_a_parameter_that_every_function_reads(packaged, name):
    term = packaged.template["Parameters"][parameters.named(name)]
    for function in packaged.functions.values():
        assert function["Environment"]["Variables"][name] == {"Ref": parameters.named(name)}
    needed = {"KEY_ID": "k", "SITE_DOMAIN": "shop.test"}
    assert config.read(needed | {name: str(term["Default"])}) == config.read(needed)
    for most in {"MinValue", "MaxValue"} & term.keys():
        assert config.read(needed | {name: str(term[most])})


def test_the_platform_logs_what_went_wrong_with_a_call_and_the_shop_what_it_does(packaged):
    for function in packaged.functions.values():
        logging = function["LoggingConfig"]
        assert (logging["ApplicationLogLevel"], logging["SystemLogLevel"]) == ("INFO", "WARN")
        assert logging["LogFormat"] == "JSON"  # without it the levels do not count


def test_each_audience_believes_the_edges_secret_and_the_one_before_once_there_is_an_edge(packaged):
    for name in rest.FACES:
        condition, both, none = packaged.functions[name.capitalize()]["Environment"]["Variables"][
            "ORIGIN_SECRET"
        ]["Fn::If"]
        assert (packaged.template["Conditions"].keys() >= {condition}, none) == (True, "")
        references = both["Fn::Sub"].split(",")
        assert [each.split(":")[4] for each in references] == ["now", "before"]
        assert {each.split(":")[2] for each in references} == {"${OriginSecret}"}


@pytest.mark.parametrize(("name", "makes"), [("subsite", "Table"), ("domain", "Tenant")])
def test_only_the_provisioner_carries_the_templates_of_sub_sites_and_domains(packaged, name, makes):
    told = {
        n: f["Environment"]["Variables"].get(f"{name.upper()}_TEMPLATE")
        for n, f in packaged.functions.items()
    }
    assert {n: file for n, file in told.items() if file} == {"ProvisionSites": f"{name}.json"}
    with zipfile.ZipFile(packaged.folder / "provision_sites.zip") as packed:
        carried = json.loads(packed.read(f"{name}.json"))
    assert list(carried["Resources"]) == [makes]
    assert "Description" not in json.dumps(carried)


def test_every_log_line_that_asks_for_a_person_reaches_one(packaged):
    filters = [f for f in _filters(packaged) if f["FilterPattern"] == "{ $.alarm IS TRUE }"]
    assert {f["LogGroupName"]["Ref"] for f in filters} == {f"{name}Logs" for name in packaged.functions}
    (metric,) = {f["MetricTransformations"][0]["MetricName"] for f in filters}
    alarm = packaged.resources["LogAlarm"]["Properties"]
    assert (alarm["MetricName"], alarm["AlarmActions"]) == (metric, [{"Ref": "Alarms"}])


def _filters(packaged):
    return [r["Properties"] for r in packaged.resources.values() if r["Type"] == "AWS::Logs::MetricFilter"]


def test_it_names_no_partition_region_or_account(packaged):
    text = json.dumps(packaged.template)
    assert "arn:aws" not in text
    assert "us-east-1" not in text
    assert "placeholder" not in text
    assert ".amazonaws.com/" not in text


def test_functions_reach_other_accounts_only_where_there_are_some(packaged):
    reach, operate = {"Ref": "ReachesCells"}, {"Ref": "OperatesCells"}
    for name in packaged.functions:
        attached = packaged.resources[f"{name}Role"]["Properties"]["ManagedPolicyArns"]
        wanted = [reach, operate] if name == "ProvisionSites" else [reach]
        assert attached == {"Fn::If": ["SeveralCells", wanted, {"Ref": "AWS::NoValue"}]}
    assert {packaged.resources[one["Ref"]]["Condition"] for one in (reach, operate)} == {"SeveralCells"}
    assert packaged.template["Parameters"]["Cells"]["Default"] == ""


def test_the_tenant_role_carries_its_policy(packaged):
    (policy,) = packaged.resources["TenantRole"]["Properties"]["Policies"]
    assert "${!aws:PrincipalTag/site}" in json.dumps(policy)


@pytest.mark.parametrize("function", ["storefront", "console", "deliver_orders"])
def test_a_zip_holds_the_bytecode_of_its_code_and_nothing_private(packaged, function):
    with zipfile.ZipFile(packaged.folder / f"{function}.zip") as packed:
        names = packed.namelist()
    assert names == sorted(names)
    assert "chalicelib/kit/config.pyc" in names
    assert not [name for name in names if name.endswith(".py") or "__pycache__" in name]
    compiled = re.compile(r"chalicelib/web/(\w+)/compiled/.+[.]pyc")
    shown = {found[1] for name in names if (found := compiled.fullmatch(name))}
    assert shown == ({function} if function in rest.FACES else set())
    assert not [
        name for name in names if name.startswith(("tests/", "localcloud/", "sandbox/", "infra/", ".git"))
    ]


@pytest.fixture(scope="module")
def unpacked(packaged, tmp_path_factory):
    """A function that unpacks a layer or a zip as Lambda would, each once."""
    folder = tmp_path_factory.mktemp("unpacked")

    def unpack(name):
        if not (folder / name).exists():
            with zipfile.ZipFile(packaged.folder / name) as packed:
                packed.extractall(folder / name)
        return folder / name

    return unpack


def test_every_zip_runs_with_its_layers_and_nothing_else_installed(packaged, unpacked):
    seen = {}
    for name, function in packaged.functions.items():
        path = packaged.folder / f"{template.in_code(name)}.zip"
        seen[path.read_bytes()] = (template.in_code(name), function)
    for name, function in seen.values():
        own = sorted(each for each in _modules(unpacked(f"{name}.zip")) if each.startswith("chalicelib."))
        done = _import_all(packaged, unpacked, name, [function["Handler"].rpartition(".")[0], *own])
        assert (done.returncode, done.stderr) == (0, ""), name


def test_whatever_is_left_in_the_layers_can_be_imported(packaged, unpacked):
    names = [name for layer in layers.ZIPS for name in sorted(_modules(unpacked(layer) / "python"))]
    done = _import_all(packaged, unpacked, "pay_out", names)
    assert (done.returncode, done.stderr) == (0, "")


def _import_all(packaged, unpacked, function, names):
    """Import modules one after the other as a function would, without site-packages."""
    code = unpacked(f"{function}.zip")
    shared = [unpacked(layer) / "python" for layer in _layers(packaged, function)]
    (properties,) = [each for name, each in packaged.functions.items() if template.in_code(name) == function]
    programme = "import importlib, sys; [importlib.import_module(each) for each in sys.argv[1:]]"
    return subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", programme, *names],
        cwd=code,
        env={
            "PYTHONPATH": ":".join(map(str, (code, *shared))),
            "FACES": properties["Environment"]["Variables"].get("FACES", ""),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def _modules(folder):
    paths = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.pyc")]
    return {
        ".".join(path.parts) for path in paths if not {"compiled", "__init__", "__main__"} & {*path.parts}
    }


def test_the_same_source_elsewhere_and_later_gives_the_same_package_to_the_byte(packaged, tmp_path):
    elsewhere, again = tmp_path / "elsewhere", tmp_path / "again"
    for name in ("chalicelib", "policies", "infra", ".chalice"):
        shutil.copytree(PROJECT / name, elsewhere / name, copy_function=shutil.copyfile)
    for name in ("app.py", "requirements.txt"):
        shutil.copyfile(PROJECT / name, elsewhere / name)
    build.package(elsewhere, again)
    made, remade = (
        {path.name: path.read_bytes() for path in folder.iterdir()} for folder in (packaged.folder, again)
    )
    assert set(made) == set(remade)
    assert [name for name in made if made[name] != remade[name]] == []


@pytest.mark.cloud
def test_the_whole_package_comes_up_as_one_stack(packaged, expanded, cloud):
    storage = cloud("s3")
    storage.create_bucket(Bucket=deployed.CODE)
    for name in packaged.sizes:
        storage.put_object(Bucket=deployed.CODE, Key=name, Body=(packaged.folder / name).read_bytes())
    storage.put_object(Bucket=deployed.CODE, Key=build.TEMPLATE, Body=json.dumps(deployed.known(expanded)))
    formation = cloud("cloudformation")
    formation.create_stack(
        StackName="cardmesh",
        TemplateURL=f"{storage.meta.endpoint_url}/{deployed.CODE}/{build.TEMPLATE}",
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": "SiteDomain", "ParameterValue": "shop.localhost"}],
    )
    waiter = formation.get_waiter("stack_create_complete")
    waiter.wait(StackName="cardmesh", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    mappings = cloud("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert len(mappings) == len(WORKERS)
    assert {tuple(mapping["FunctionResponseTypes"]) for mapping in mappings} == {("ReportBatchItemFailures",)}
    answer = cloud("lambda").invoke(FunctionName=_function_named(cloud, "Storefront"), Payload=ROBOTS)
    page = json.loads(answer["Payload"].read())
    assert page["statusCode"] == 404  # the function read the registry, and no shop answers at that host
    assert "/static/storefront.css" in page["body"]


def _function_named(cloud, logical):
    found = cloud("cloudformation").describe_stack_resource(StackName="cardmesh", LogicalResourceId=logical)
    return found["StackResourceDetail"]["PhysicalResourceId"]
