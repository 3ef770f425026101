"""What the SDKs of the channels in Node make of our messages."""

import json
import subprocess
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).with_name("sdks.js")


def ask(act: str, **content: Any) -> Any:
    """The outcome of one act of sdks.js."""
    asked = json.dumps({"act": act, **content})
    done = subprocess.run(
        ["node", _SCRIPT], input=asked, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
