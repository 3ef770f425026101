"""What a function consists of: the modules it can import, at its start or later, and the files beside them."""

import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import grimp

from . import zips

_OWN = "chalicelib"
_MAP = "app"  # the module that faces are entered by; it imports theirs by name
_BY_NAME = "import_module("  # a package that says so can import whatever is in it
_SOURCES = ("templates", "__pycache__")  # templates are shipped compiled


class Contents:
    """The project's code as a graph of imports, those inside functions included."""

    def __init__(self, code: Path, faces: Mapping[str, Iterable[str]]) -> None:
        self._code = code
        self._faces = faces
        self._graph = grimp.build_graph(_OWN, include_external_packages=True, cache_dir=None)

    def modules(self, handler: str, face: str) -> frozenset[str]:
        """Own modules and names of top-level packages that a function can import, standard library left out.

        The handler is Lambda's, `module.function`; the face is what FACES names to it.
        """
        entry = handler.rpartition(".")[0]
        if entry == _MAP:
            return frozenset({_MAP, "chalice"}) | self._reached(
                f"{_OWN}.web.{each}" for each in self._faces[face]
            )
        return self._reached([entry])

    def owns(self, module: str) -> bool:
        """Whether a module is the project's."""
        return module == _MAP or module.partition(".")[0] == _OWN

    def files(self, modules: frozenset[str]) -> list[Path]:
        """The bytecode of own modules and what lies beside them, relative to the code, which was compiled."""
        found = {path for name in modules if (path := self._source(name))}
        folders = {path.parent for path in found if path.parent != Path()}
        found |= {path for path in self._beside if self._home(path) in folders}
        return sorted({zips.bytecode(path) if path.suffix == ".py" else path for path in found})

    @cached_property
    def _beside(self) -> list[Path]:
        """Whatever is no module of the graph: words, queries, static files, compiled templates."""
        known = {source for name in self._graph.modules if (source := self._source(name))}
        files = [path.relative_to(self._code) for path in (self._code / _OWN).rglob("*") if path.is_file()]
        known |= {zips.bytecode(path) for path in files if path.suffix == ".py"}
        return [path for path in files if path not in known and not {*path.parts} & {*_SOURCES}]

    @cached_property
    def _packages(self) -> set[Path]:
        return {path.parent for name in self._graph.modules if (path := self._source(name))}

    def _home(self, path: Path) -> Path | None:
        """The package that a file belongs to."""
        return next((parent for parent in path.parents if parent in self._packages), None)

    def _source(self, module: str) -> Path | None:
        stem = Path(*module.split("."))
        tried = (stem / "__init__.py", stem.with_suffix(".py"))
        return next((path for path in tried if (self._code / path).is_file()), None)

    def _reached(self, entries: Iterable[str]) -> frozenset[str]:
        found: set[str] = set()
        wanted = {*entries}
        while wanted:
            name = wanted.pop()
            found.add(name)
            if name.startswith(_OWN):
                wanted |= (self._graph.find_modules_directly_imported_by(name) | self._implied(name)) - found
        return frozenset(found - sys.stdlib_module_names)

    def _implied(self, module: str) -> set[str]:
        """The packages around a module, and all that is in one that imports by name."""
        around = {module.rsplit(".", count)[0] for count in range(1, module.count(".") + 1)}
        path = self._source(module)
        by_name = path and path.name == "__init__.py" and _BY_NAME in (self._code / path).read_text()
        return around | (self._graph.find_descendants(module) if by_name else set())
