"""A file that follows what is in memory: written shortly after each change, and at the end."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SAVE_EVERY = 1.0  # seconds; a stop saves at once


class Shelf:
    """One JSON file; `text` gives its content as it should be now."""

    def __init__(self, path: Path, text: Callable[[], str]) -> None:
        self._path = path
        self._text = text
        self._dirty = threading.Event()
        self._stopped = threading.Event()
        self._writer = threading.Thread(target=self._write, name="books", daemon=True)
        self._writer.start()

    def changed(self) -> None:
        """Save soon."""
        self._dirty.set()

    def stop(self) -> None:
        """Save, and write no more."""
        self._stopped.set()
        self._dirty.set()
        self._writer.join()
        self._save()

    def _write(self) -> None:
        while not self._stopped.is_set():
            self._dirty.wait()
            self._save()
            self._stopped.wait(_SAVE_EVERY)

    def _save(self) -> None:
        self._dirty.clear()
        text = self._text()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self._path)


def read(path: Path) -> Any:
    """The content of an earlier run, None if there was none."""
    return json.loads(path.read_text()) if path.exists() else None
