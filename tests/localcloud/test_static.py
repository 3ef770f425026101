"""The static files are one folder whose name changes with any byte."""

from pathlib import Path

import pytest

from tools import static


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own"
    (folder / "icons").mkdir(parents=True)
    (folder / "a.css").write_text("a{}")
    (folder / "icons/b.svg").write_text("<svg/>")
    monkeypatch.setattr(static, "OWN", folder)
    monkeypatch.setattr(static, "OUT", tmp_path / "out")
    monkeypatch.setattr(static, "VENDOR", {})
    return folder


def test_every_file_keeps_its_path(own: Path) -> None:
    built = static.build()
    assert (built / "icons/b.svg").read_text() == "<svg/>"
    assert {path.name for path in built.iterdir()} == {"a.css", "icons"}


def test_an_unchanged_tree_keeps_its_version(own: Path) -> None:
    assert static.build() == static.build()


@pytest.mark.parametrize("change", ["content", "name", "one more"])
def test_any_change_makes_a_new_version_and_drops_the_old(own: Path, change: str) -> None:
    before = static.build()
    if change == "content":
        (own / "a.css").write_text("b{}")
    elif change == "name":
        (own / "a.css").rename(own / "c.css")
    else:
        (own / "empty.css").touch()
    after = static.build()
    assert after != before
    assert [path.name for path in after.parent.iterdir()] == [after.name]
