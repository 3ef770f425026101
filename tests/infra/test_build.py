"""The zip is the same for the same source, and says what went wrong when there is none."""

import gzip
import json
import zipfile

import pytest

from infra.package import build


def test_the_same_source_gives_the_same_zip_whatever_the_clock_says(tmp_path):
    zips = []
    for year in (2001, 2026):
        source, target = tmp_path / f"{year}.zip", tmp_path / f"{year}-again.zip"
        with zipfile.ZipFile(source, "w") as packed:
            for name in sorted(("b/c.py", "a.py", "a/d.txt"), reverse=year == 2026):
                packed.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), "x = 1\n")
        build.repack(source, target)
        zips.append(target.read_bytes())
    assert zips[0] == zips[1]


def test_a_project_that_cannot_be_imported_is_named(tmp_path):
    project = tmp_path / "project"
    (project / ".chalice").mkdir(parents=True)
    (project / ".chalice/config.json").write_text('{"version": "2.0", "app_name": "broken"}')
    (project / "chalicelib").mkdir()
    (project / "requirements.txt").touch()
    (project / "app.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(build.Failed, match="nothing_of_that_name"):
        build.package(project, tmp_path / "out")


def test_the_sdk_describes_only_what_the_shop_calls_and_without_prose(tmp_path):
    data = tmp_path / "botocore/data"
    model = {"documentation": "Long.", "shapes": {"A": {"members": {"documentation": {"shape": "B"}}}}}
    for name in ("sqs", "ec2"):
        (data / name / "1").mkdir(parents=True)
        (data / name / "1/service-2.json.gz").write_bytes(gzip.compress(json.dumps(model).encode()))
    known = {"partitions": [{"services": {"sqs": {}, "ec2": {}}, "dnsSuffix": "x"}]}
    (data / "endpoints.json").write_text(json.dumps(known))
    build.slim(tmp_path)
    assert [path.relative_to(data).as_posix() for path in sorted(data.rglob("*.*"))] == [
        "endpoints.json",
        "sqs/1/service-2.json",
    ]
    assert json.loads((data / "sqs/1/service-2.json").read_text()) == {"shapes": model["shapes"]}
    assert json.loads((data / "endpoints.json").read_text())["partitions"] == [
        {"services": {"sqs": {}}, "dnsSuffix": "x"}
    ]
