"""Gather what pages load into build/static/{version}/: our own files and what they need of node_modules.

The version is a digest of every byte, so an address never changes its content and may be cached for ever.
"""

import hashlib
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "chalicelib/web/static"
OUT = ROOT / "build/static"
VENDOR = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "fflate.js": "fflate/umd/index.js",
}


def gather() -> dict[str, Path]:
    """Every file by the path under which pages know it."""
    own = {str(p.relative_to(OWN)): p for p in sorted(OWN.rglob("*")) if p.is_file()}
    vendor = {f"vendor/{name}": ROOT / "node_modules" / path for name, path in VENDOR.items()}
    return own | vendor


def version(files: dict[str, Path]) -> str:
    """Twelve hexadecimal digits that change with any name or byte."""
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def build() -> Path:
    """Write the one folder of this version, replacing older ones; it is complete as soon as it exists."""
    files = gather()
    folder = OUT / version(files)
    if folder.is_dir():
        return folder
    shutil.rmtree(OUT, ignore_errors=True)
    fresh = folder.with_suffix(".new")
    for name, path in files.items():
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, fresh / name)
    fresh.rename(folder)
    return folder


if __name__ == "__main__":
    print(f"Static files: {build().relative_to(ROOT)}")
