"""Functions load what they use and nothing else; what is counted is what a function does when it is called."""

import json
import subprocess
import sys

import pytest

from bench import callgrind, deployed, floor

PAGES = {"jinja2", "markupsafe"}
KEYS = {"cryptography.x509", "cryptography.hazmat.primitives.serialization"}  # read where a channel is called
SELLING = {"checkout", "payments", "ledger", "wallet"}
DOMAINS = {
    "storefront": {"tenancy", "catalog", "pricing", "stock", "membership", "orders"},
    "checkout": {"tenancy", "catalog", "pricing", "stock", "membership", "orders", *SELLING},
    "receipts": {"tenancy", "catalog", "stock", "membership", "orders", "fulfilment"},
    "hooks": {"tenancy", "catalog", "pricing", "stock", "orders", *SELLING},
    "provision_sites": {"tenancy"},
    "publish_catalogs": {"tenancy", "catalog"},
    "drive_orders": {"tenancy", "catalog", "pricing", "stock", "orders", *SELLING},
    "deliver_orders": {"stock", "orders", "fulfilment"},
    "settle_orders": {"tenancy", "catalog", "pricing", "stock", "orders", "settlement", "cases", *SELLING},
}
CALLED = [function for function in deployed.FUNCTIONS if function.asked]


@pytest.fixture(scope="module")
def place(packaged, tmp_path_factory):
    return deployed.prepare(tmp_path_factory.mktemp("deployed"), packaged.folder)


@pytest.mark.package
@pytest.mark.parametrize("function", deployed.FUNCTIONS, ids=lambda one: one.name)
def test_a_function_loads_what_it_uses(place, function):
    loaded = deployed.modules(function, place)
    tops = {name.partition(".")[0] for name in loaded}
    domains = {
        name.split(".")[1] for name in loaded if name.count(".") == 2 and name.startswith("chalicelib.")
    }
    if function.name in DOMAINS:
        assert domains - {"kit", "web"} == DOMAINS[function.name]
    assert (tops & PAGES != set()) == (function.name in {"storefront", "checkout", "receipts", "console"})
    assert set(loaded) & KEYS == set()
    assert ("segno" in tops) == (function.name == "checkout")
    assert tops & {"asyncio", "boto3", "moto", "sim", "bench", "unittest", "multiprocessing"} == set()
    assert not [name for name in loaded if name.startswith("aws_lambda_powertools.utilities.data_classes")]


@pytest.mark.package
@pytest.mark.parametrize("function", CALLED, ids=lambda one: one.name)
def test_warm_calls_do_their_work_over_the_wire(place, function):
    path = deployed.plan(function, place, [function.module])
    command = [sys.executable, "-S", "-m", "bench.cold", str(path)]
    subprocess.run(command, env=place.env_of(function), cwd=place.code(function), check=True)
    told = json.loads(path.with_name("told").read_text())
    writes = {"checkout": 2, "hooks": 1, "drive_orders": 1, "deliver_orders": 10, "settle_orders": 10}
    assert told["write"] == writes.get(function.name, 0)
    assert told.get("kms", 0) == told.get("sts", 0) == 0


def test_counts_are_read_by_the_name_of_their_part(tmp_path):
    for index, (name, count) in enumerate([("import", 5), ("call", 7), ("import", 1)]):
        text = f"part: {index}\ndesc: Trigger: Client Request: {name}\nfn=(1) x\ntotals: {count}\n"
        (tmp_path / f"counts.{index}").write_text(text)
    (tmp_path / "counts.9").write_text("desc: Trigger: Program termination\ntotals: 9\n")
    assert callgrind._read(tmp_path) == {"import": 6, "call": 7}
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_named_with_the_way_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None if name == "valgrind" else name)
    with pytest.raises(callgrind.Missing, match="valgrind not found: apt-get install valgrind"):
        callgrind.instructions([], {}, cwd=tmp_path, folder=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [floor.BARE, *floor.COUNTED])
def test_a_floor_starts_what_it_names_and_nothing_of_the_shop(tmp_path, name):
    env = {"AWS_DEFAULT_REGION": "us-east-1", "POWERTOOLS_METRICS_DISABLED": "true"}
    one = floor.starts(env, tmp_path)[name]
    said = subprocess.run(
        [sys.executable, "-S", "-c", f"{one.programme}\nimport sys; print(*sys.modules)"],
        env=one.env,
        cwd=one.folder,
        check=True,
        capture_output=True,
        text=True,
    )
    tops = {each.partition(".")[0] for each in said.stdout.split()}
    rich, shop = {"boto3", "pydantic", "cryptography", "aws_xray_sdk"}, {"chalicelib", "app"}
    assert tops & (rich | shop) == (rich if name == floor.EVERYTHING else set())
    assert (tops >= {"chalice", "pynamodb", "botocore", "aws_lambda_powertools"}) == (name != floor.BARE)


def test_starts_stand_beside_the_floor():
    counted = {floor.LEAN: 2_000_000, floor.EVERYTHING: 5_000_000, "hooks": 3_000_000, "pay": 4_000_000}
    timed = {floor.LEAN: 10.0, floor.EVERYTHING: 25.0, floor.UNCOMPILED: 50.0, "hooks": 15.0, "pay": 20.0}
    *figures, table = floor.compare(counted, timed)
    assert [(one.value, one.met) for one in figures] == [(2, True), (0.8, True)]
    rows = {name: row for name, *row in table.rows}
    assert rows["hooks"] == ["3", "1.50", "0.60", "15", "1.50", "0.60"]
    assert rows[floor.UNCOMPILED] == ["", "", "", "50", "5.00", "2.00"]


def test_times_are_those_beyond_bare_python_and_the_least_of_some(monkeypatch):
    taken = iter([30.0, 130.0, 20.0, 150.0])
    monkeypatch.setattr(floor.Start, "milliseconds", lambda _: next(taken))
    starts = dict.fromkeys([floor.BARE, "hooks"], floor.Start("", None))
    assert floor.times(starts, rounds=2) == {"hooks": 110.0}
