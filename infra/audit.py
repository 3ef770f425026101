"""`python -m infra.audit`: what checkov finds in the templates, beside what exceptions.toml allows and why.

Fails for a finding that nobody gave a reason for, and for a reason that nothing needs any more.
"""

import json
import subprocess
import tomllib
from collections.abc import Collection, Mapping
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXCEPTIONS = ROOT / "infra/exceptions.toml"
_CHECKOV = ROOT / ".venv-audit/bin/checkov"
_PACKAGED = ROOT / "build/template.json"

Finding = tuple[str, str]  # a check, and file:resource


def main() -> None:
    """Look over the templates as written and as packaged."""
    found = findings([*sorted((ROOT / "infra").glob("*.yaml")), _PACKAGED])
    wrong = differences(found, exceptions())
    print("\n".join(wrong) or f"{len(found)} findings, each allowed for a reason in {EXCEPTIONS.name}.")
    raise SystemExit(bool(wrong))


def findings(templates: Collection[Path]) -> set[Finding]:
    """What checkov finds, offline."""
    files = [str(each) for each in templates]
    call = [
        str(_CHECKOV),
        "--framework",
        "cloudformation",
        "--skip-download",
        "--soft-fail",
        "-o",
        "json",
        "-f",
        *files,
    ]
    told = subprocess.run(call, check=True, capture_output=True, text=True).stdout
    results = json.loads(told)["results"]
    if results["parsing_errors"]:
        raise SystemExit(f"checkov could not read {', '.join(results['parsing_errors'])}.")
    return {
        (each["check_id"], f"{Path(each['file_path']).name}:{each['resource'].split('.', 1)[1]}")
        for each in results["failed_checks"]
    }


def exceptions() -> Mapping[str, Mapping[str, list[str] | str]]:
    """By check: where it is allowed (`on`, patterns of file:resource) and why."""
    return tomllib.loads(EXCEPTIONS.read_text())


def differences(
    found: Collection[Finding], allowed: Mapping[str, Mapping[str, list[str] | str]]
) -> list[str]:
    """A line for each finding without a reason and each reason without a finding."""
    patterns = [(check, on) for check, each in allowed.items() for on in each["on"]]
    new = [
        f"{check} on {where}: not allowed"
        for check, where in sorted(found)
        if not any(check == known and fnmatch(where, on) for known, on in patterns)
    ]
    old = [
        f"{known} on {on}: allowed, and nothing needs it"
        for known, on in patterns
        if not any(check == known and fnmatch(where, on) for check, where in found)
    ]
    return new + old


if __name__ == "__main__":
    main()
