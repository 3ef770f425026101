"""A zip is the same for the same source, holds what its function can import, and says what went wrong."""

import gzip
import itertools
import json
import re
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path, PurePath

import grimp
import pytest

from infra.package import build, contents, layers, libraries, target, template, zips

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def known():
    return contents.Contents(PROJECT, {"hooks": ["hooks.payments"], "storefront": ["storefront.pages"]})


def _zip(folder, out):
    """A zip of sources that were written and compiled anew."""
    folder.mkdir()
    for name in ("b", "a"):
        (folder / name).mkdir()
        (folder / name / "c.py").write_text("def same(): return {'x', 'y', None}, frozenset('same')\n")
        (folder / name / "d.txt").write_text("read")
        (folder / name / "e.pyi").write_text("for type checkers")
    zips.compile_all(folder, sys.executable)
    zips.write(out, [(folder, zips.below(folder, ["b", "a"]))], inside="in")
    return zipfile.ZipFile(out)


def test_the_same_source_gives_the_same_zip_wherever_and_whenever_it_is_made(tmp_path):
    with _zip(tmp_path / "one", tmp_path / "1.zip") as first, _zip(tmp_path / "two", tmp_path / "2.zip"):
        entries = first.infolist()
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    half = ["c.pyc", "d.txt"]
    assert [entry.filename for entry in entries] == [f"in/{top}/{name}" for top in "ab" for name in half]


def test_bytecode_counts_whatever_the_time_of_its_source(tmp_path):
    with _zip(tmp_path / "one", tmp_path / "1.zip") as packed:
        code = next(packed.read(name) for name in packed.namelist() if name.endswith(".pyc"))
    assert int.from_bytes(code[4:8], "little") == 0b01  # by hash, and not checked. Source: PEP 552
    assert str(tmp_path).encode() not in code


def test_a_project_that_cannot_be_imported_is_named(tmp_path):
    project = tmp_path / "project"
    (project / ".chalice").mkdir(parents=True)
    (project / ".chalice/config.json").write_text('{"version": "2.0", "app_name": "broken"}')
    (project / "chalicelib").mkdir()
    (project / "requirements.txt").touch()
    (project / "infra").mkdir()
    for name in template.CARRIED:
        (project / f"infra/{name}.yaml").write_text("{}")
    (project / "app.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(target.Failed, match="nothing_of_that_name"):
        build.package(project, tmp_path / "out")


@pytest.mark.parametrize("python", target.PYTHONS)
@pytest.mark.parametrize(("architecture", "machine"), [("x86_64", "x86_64"), ("arm64", "aarch64")])
def test_wheels_are_those_of_the_pair_and_run_on_its_amazon_linux(python, architecture, machine):
    asked = target.Target(python, architecture).wheels
    platforms = {after for before, after in itertools.pairwise(asked) if before == "--platform"}
    assert {re.sub(".*(x86_64|aarch64)", r"\1", each) for each in platforms} == {machine}
    assert (f"manylinux_2_28_{machine}" in platforms) == (python != "3.11")
    assert f"manylinux2014_{machine}" in platforms
    assert f"cp{python.replace('.', '')}" in asked


def test_a_python_that_the_machine_lacks_is_named(monkeypatch):
    assert target.Target().interpreter() == sys.executable
    monkeypatch.setenv("PATH", "/nowhere")
    other = next(each for each in target.PYTHONS if each != target.Target.python)
    with pytest.raises(target.Failed, match=f"python{other} on the PATH"):
        target.Target(other).interpreter()


def test_a_worker_holds_what_it_can_import_and_no_page(known):
    found = known.modules("chalicelib.fulfilment.worker.deliver_orders", "")
    files = {path.as_posix() for path in known.files(found)}
    assert {
        "chalicelib/__init__.pyc",
        "chalicelib/fulfilment/worker.pyc",
        "chalicelib/kit/vault.pyc",
    } <= files
    assert "chalicelib/payments/gateways/unionpay/__init__.pyc" in files  # imported by name
    assert not [name for name in files if name.startswith(("app.", "chalicelib/web/"))]
    assert {"cryptography", "pynamodb"} <= found
    assert not {"json", "jinja2", "reportlab"} & found


def test_a_face_holds_the_map_its_own_pages_and_what_lies_beside_them(known):
    found = known.modules("app.app", "storefront")
    files = {path.as_posix() for path in known.files(found)}
    assert {
        "app.pyc",
        "chalicelib/web/storefront/words/en.json",
        "chalicelib/web/static/storefront.css",
    } <= files
    assert not [
        name for name in files if name.startswith(("chalicelib/web/console/", "chalicelib/web/hooks/"))
    ]
    assert not [name for name in files if "/templates/" in name]  # compiled ones are shipped
    assert {"chalice", "jinja2"} <= found
    assert "jinja2" not in known.modules("app.app", "hooks")


@pytest.fixture
def installed(tmp_path):
    """Links to two packages and their descriptions."""
    for name in ("jinja2", "markupsafe"):
        (tmp_path / name).symlink_to(distribution(name).locate_file(name))
        described = Path(str(distribution(name).locate_file(""))).glob(f"{name}-*.dist-info")
        (tmp_path / f"{name}.dist-info").symlink_to(next(described))
    (tmp_path / "chalice").mkdir()
    return libraries.Libraries(tmp_path, target.Target())


def test_a_package_brings_what_it_needs(installed):
    assert installed.needed(["jinja2"]) == {"jinja2", "markupsafe"}
    assert installed.needed(["markupsafe", "chalice"]) == {"markupsafe", "chalice"}
    assert {"jinja2", "markupsafe", "chalice"} <= installed.tops(["jinja2", "markupsafe", "chalice"])


def test_a_package_that_is_not_locked_is_named(installed):
    with pytest.raises(target.Failed, match="reportlab"):
        installed.needed(["reportlab"])


def test_the_sdk_describes_only_what_the_shop_calls_and_without_prose(tmp_path):
    data = tmp_path / "botocore/data"
    model = {"documentation": "Long.", "shapes": {"A": {"members": {"documentation": {"shape": "B"}}}}}
    for name in ("sqs", "ec2"):
        (data / name / "1").mkdir(parents=True)
        (data / name / "1/service-2.json.gz").write_bytes(gzip.compress(json.dumps(model).encode()))
    known = {"partitions": [{"services": {"sqs": {}, "ec2": {}}, "dnsSuffix": "x"}]}
    (data / "endpoints.json").write_text(json.dumps(known))
    libraries.slim(tmp_path)
    assert [path.relative_to(data).as_posix() for path in sorted(data.rglob("*.*"))] == [
        "endpoints.json",
        "sqs/1/service-2.json",
    ]
    assert json.loads((data / "sqs/1/service-2.json").read_text()) == {"shapes": model["shapes"]}
    assert json.loads((data / "endpoints.json").read_text())["partitions"] == [
        {"services": {"sqs": {}}, "dnsSuffix": "x"}
    ]


def test_a_function_has_the_layers_all_of_whose_packages_it_needs():
    shared = {"libraries": frozenset({"botocore"}), "cryptography": frozenset({"cryptography", "cffi"})}
    needs = {"buy": frozenset({"botocore", "cryptography", "cffi", "jinja2"}), "ask": shared["libraries"]}
    given = layers.carried(needs, shared)
    assert given == {"buy": ["libraries", "cryptography"], "ask": ["libraries"]}
    whole = {
        "Resources": {name.title(): {"Type": "AWS::Serverless::Function", "Properties": {}} for name in needs}
    }
    layers.attach(whole, given, target.Target())
    both = [{"Ref": "Libraries"}, {"Ref": "Cryptography"}]
    attached = {name: each["Layers"] for name, each in template.functions(whole["Resources"]).items()}
    assert attached == {"Buy": both, "Ask": both[:1]}


# (what is left, what it would import of what is not): when it would
NEVER = {
    (
        "aws_lambda_powertools.shared.functions",
        "aws_lambda_powertools.event_handler.openapi.compat",
    ): "for a pydantic model",
    ("dateutil.tz.tz", "dateutil.rrule"): "for the zones of a calendar",
    ("botocore.httpsession", "urllib3.contrib.pyopenssl"): "with PyOpenSSL installed",
    ("botocore.auth", "botocore.crt.auth"): "with awscrt installed",
    ("dateutil.tz.tz", "dateutil.tz.win"): "on Windows",
    ("urllib3.http2", "urllib3.http2.connection"): "where HTTP/2 is asked for",
    ("urllib3", "urllib3.contrib.emscripten"): "in a browser",
}


def test_what_is_left_of_packages_never_imports_what_is_left_out():
    tops = ["aws_lambda_powertools", "botocore", "cryptography", "dateutil", "jinja2", "jmespath", "msgspec"]
    tops += ["pynamodb", "segno", "urllib3", "cffi", "pycparser"]
    graph = grimp.build_graph(*tops, cache_dir=None, exclude_type_checking_imports=True)
    out = {name for name in graph.modules if _is_left_out(name)}
    assert {"cffi", "pycparser.c_parser", "urllib3.contrib.socks", "dateutil.rrule"} <= out
    crossing = {
        (name, into)
        for name in graph.modules - out
        for into in graph.find_modules_directly_imported_by(name) & out
    }
    assert crossing == NEVER.keys()


def _is_left_out(module):
    """Whether a module, or a package that it is in, is what a package of ours leaves out."""
    parts = module.split(".")
    around = [PurePath(*parts[:count]) for count in range(1, len(parts) + 1)]
    tried = [each for path in around for each in (path, path.with_suffix(".py"))]
    return any(path.match(pattern) for path in tried for pattern in libraries.UNREACHED)


def test_unreached_parts_are_left_out(tmp_path):
    kept = ("dateutil/tz.py", "dateutil/zoneinfo/__init__.py", "urllib3/contrib/__init__.py")
    gone = ("cffi/api.py", "dateutil/rrule.py", "dateutil/zoneinfo/all.tar.gz", "urllib3/contrib/socks.py")
    for name in (*kept, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    libraries.slim(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == {*kept}
