"""docs/deploy.md can be typed as it stands: what a command names was set before it, or a stack tells it."""

import re
from pathlib import Path

import pytest

from infra.package import template

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/deploy.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
STACKS = {  # what the page calls a stack, and the template it deploys as that
    "cardmesh-edge": "edge",
    "cardmesh-backup": "backup",
    "cardmesh-release": "pipeline",
    "cardmesh-cell": "cell",
}
_OF_THE_PACKAGE = {"AlarmTopic", "EndpointUrl", "HooksEndpointUrl"}  # which adds them to main.yaml's
_SET = re.compile(r"^(?:export )?([A-Z_]+)=| ([A-Z_]+)=\S+$|\bfor (\w+) in", re.MULTILINE)
_USED = re.compile(r"(?<!')\$\{?([A-Za-z_]+)")


def _outputs(name):
    return set(template.load(ROOT / f"infra/{name}.yaml")["Outputs"])


def test_every_variable_is_set_before_a_command_names_it():
    known = set()
    for block in BLOCKS:
        shell = re.sub(r"<<'END'.*?^END$", "", block, flags=re.DOTALL | re.MULTILINE)
        known |= {name for found in _SET.findall(shell) for name in found if name}
        assert set(_USED.findall(shell)) <= known, shell


@pytest.mark.parametrize(("stack", "name"), sorted(set(re.findall(r"\$\(output (cardmesh\S*) (\w+)", PAGE))))
def test_every_output_that_a_command_asks_for_is_told_by_its_stack(stack, name):
    told = _outputs(STACKS[stack]) if stack in STACKS else _outputs("main") | _OF_THE_PACKAGE
    assert name in told


@pytest.mark.parametrize("name", sorted(set(re.findall(r"host (\w+)\)", PAGE))))
def test_every_host_that_a_command_asks_for_is_told_by_the_main_stack(name):
    assert name in _outputs("main") | _OF_THE_PACKAGE


def test_every_parameter_that_a_command_gives_is_one_of_its_template():
    for block in BLOCKS:
        for command in re.split(r"\naws ", block.replace("\\\n", " ")):
            found = re.search(r"--template-file infra/(\S+)\.yaml.*--parameter-overrides (.*)", command)
            if found:
                given = set(re.findall(r"'?\b([A-Z]\w+)=", found[2]))
                assert given <= set(template.load(ROOT / f"infra/{found[1]}.yaml")["Parameters"]), found[1]


def test_every_stack_is_deployed_by_a_template_that_exists():
    named = set(re.findall(r"--template-file (infra/\S+)", PAGE))
    assert {path for path in named if not (ROOT / path).is_file()} == set()
    assert len(named) >= len(STACKS)
