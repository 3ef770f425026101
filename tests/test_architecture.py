"""The rules of the house that no linter knows, held against every file."""

import ast
import re
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("app.py", "bench", "cardmesh", "chalicelib", "infra", "localcloud", "sandbox", "sim", "tools")
WORKERS = sorted(
    path.parent.name for path in ROOT.glob("chalicelib/*/worker.py") if path.parent.name != "kit"
)
HANDLERS = {"face.get", "face.post", "blueprint.on_sqs_message", "blueprint.schedule"}
EMULATION = {"bench", "cardmesh", "localcloud", "sandbox", "sim", "infra", "tests", "moto"}
IMPURE = {"boto3", "botocore", "pynamodb", "chalice", "aws_lambda_powertools"}
DRAWS = {"clock.now", "ids.draw", "time.time", "datetime.now", "datetime.utcnow"}
CHANCE = {"random", "secrets", "uuid"}
VAGUE = re.compile(r"(^|_)(managers?|helpers?|utils?|data|info)(_|$)")
UNFINISHED = re.compile(
    r"(#|//|/\*|<!--)\s*TOD[O]\b|\bTOD[O]\s*[:(]|FIXM[E]"
)  # alone it is the key of due work
REGISTRIES = re.compile(
    r"pypi[.]|pythonhosted[.]|npmjs[.]|npmmirror[.]|yarnpkg[.]|mirrors?[.][a-z]|index-url[ =]+http|\"resolve[d]\""
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[Path, ast.Module]:
    paths = [path for name in SOURCES for path in (ROOT / name, *(ROOT / name).rglob("*.py"))]
    return {path.relative_to(ROOT): ast.parse(path.read_text()) for path in paths if path.suffix == ".py"}


@cache
def functions() -> dict[str, Function]:
    return {
        f"{path}:{node.lineno} {node.name}": node
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    }


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("chalicelib", include_external_packages=True)


@cache
def texts() -> dict[str, str]:
    """Every text file under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    found = {}
    for name in filter(None, listed.stdout.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content:
            found[name] = content.decode()
    return found


def alone(programme: str) -> str:
    """What a programme prints in an interpreter of its own; a warning is an error there, too."""
    command = [sys.executable, "-W", "error", "-c", programme]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def lines(node: Function) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def body_lines(node: Function) -> int:
    """Lines below the docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def is_handler(node: Function) -> bool:
    called = [each.func for each in node.decorator_list if isinstance(each, ast.Call)]
    return any(ast.unparse(each) in HANDLERS for each in called)


def domain(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_there_is_something_to_hold_the_rules_against():
    assert len(modules()) > 100
    assert len(functions()) > 800
    assert len([node for node in functions().values() if is_handler(node)]) > 50
    assert WORKERS == [
        "catalog",
        "checkout",
        "fulfilment",
        "lifecycle",
        "payouts",
        "reconciliation",
        "settlement",
        "tenancy",
    ]
    assert len(texts()) > 200


def test_no_function_is_longer_than_fifty_lines():
    assert [name for name, node in functions().items() if lines(node) > 50] == []


def test_half_of_the_functions_have_eight_lines_or_fewer():
    assert statistics.median(lines(node) for node in functions().values()) <= 8


def test_no_module_is_longer_than_three_hundred_lines():
    sizes = {path: len(re.findall(r"^.*\S", (ROOT / path).read_text(), re.MULTILINE)) for path in modules()}
    assert {path: size for path, size in sizes.items() if size > 300} == {}


def test_a_handler_has_at_most_ten_lines():
    sizes = {name: body_lines(node) for name, node in functions().items() if is_handler(node)}
    assert {name: size for name, size in sizes.items() if size > 10} == {}


def test_a_domain_s_tables_are_its_own():
    models = [module for module in imports().modules if module.endswith(".model")]
    outside = {
        (importer, model)
        for model in models
        for importer in imports().find_modules_that_directly_import(model)
        if domain(importer) != domain(model)
    }
    assert models
    assert outside == set()


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_starts_alone_without_the_app(name):
    assert alone(f"import sys, chalicelib.{name}.worker; print('app' in sys.modules)") == "False\n"


def test_the_shop_knows_nothing_of_emulation_deployment_or_tests():
    assert "botocore" in imports().modules
    assert imports().modules & EMULATION == set()


def test_rules_are_pure():
    for path in ROOT.glob("chalicelib/*/rules.py"):
        module = f"chalicelib.{path.parent.name}.rules"
        assert imports().find_modules_directly_imported_by(module) & (IMPURE | CHANCE) == set(), module
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert {ast.unparse(call.func) for call in calls} & DRAWS == set(), module


def test_no_module_has_a_name_that_says_nothing():
    assert [path for path in modules() if VAGUE.search(path.stem)] == []


def test_the_api_stays_below_the_resources_that_one_may_have():
    paths = [
        route.strip("/").split("/") for route in alone("from app import app; print(*app.routes)").split()
    ]
    resources = {tuple(parts[:depth]) for parts in paths for depth in range(1, len(parts) + 1)}
    assert 30 < len(resources) <= 280


def test_no_file_speaks_of_work_left_undone():
    assert [name for name, text in texts().items() if UNFINISHED.search(text)] == []


def test_no_file_names_a_package_registry():
    found = {name: hit[0] for name, text in texts().items() if (hit := REGISTRIES.search(text))}
    assert found == {}


def test_money_is_counted_where_its_code_is():
    (named,) = re.findall(r"^MONEY := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [name for name in named.split() if not (ROOT / "chalicelib" / name / "service.py").exists()] == []


def test_every_kind_of_row_stands_where_things_are_kept():
    told = (ROOT / "docs/flow.md").read_text().partition("## Where things are kept")[2]
    texts = [path.read_text() for path in ROOT.glob("chalicelib/**/*.py")]
    kinds = {kind for text in texts for kind in re.findall(r"\"([A-Z]{2,}|[A-Z])#", text)}
    assert len(kinds) > 40
    assert {kind for kind in kinds if not re.search(rf"\b{kind}\b", told)} == set()
