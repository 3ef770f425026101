"""The queries over the logs that the console offers, saved in Logs Insights as well."""

from pathlib import Path
from typing import Any

Resources = dict[str, Any]

FOLDER = "chalicelib/web/console/queries"


def save(project: Path, functions: list[str]) -> Resources:
    """A saved query for each file, over the logs of all functions (by logical name)."""
    logs = [{"Ref": f"{function}Logs"} for function in functions]
    return {
        f"{path.stem.title().replace('-', '')}Query": {
            "Type": "AWS::Logs::QueryDefinition",
            "Properties": {
                "Name": {"Fn::Sub": "${TablePrefix}/" + path.stem},
                "QueryString": path.read_text(),
                "LogGroupNames": logs,
            },
        }
        for path in sorted((project / FOLDER).glob("*.logs"))
    }
