"""Settings: what is missing or makes no sense stops the function at its start."""

import pytest

from chalicelib.kit import config

LEAST = {"KEY_ID": "alias/key", "SITE_DOMAIN": "shops.example"}


def test_the_fewest_settings_are_enough():
    settings = config.read(LEAST)
    assert settings.main_host == "main.shops.example"
    assert settings.url_of("a.shops.example", "/x") == "https://a.shops.example/x"
    assert set(settings.queues) == set(config.QUEUES)


@pytest.mark.parametrize("name", LEAST)
def test_a_missing_setting_is_named(name):
    with pytest.raises(config.Misconfigured, match=f"{name} is not set"):
        config.read({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize("value", ["", "x", "-1", "4", "901", "9.5", "9²"])
def test_a_hold_outside_its_bounds_is_refused(value):
    with pytest.raises(config.Misconfigured, match="HOLD_SECONDS must be a whole number from 5 to 900"):
        config.read({**LEAST, "HOLD_SECONDS": value})


@pytest.mark.parametrize("value", ["5", "900"])
def test_the_bounds_themselves_are_accepted(value):
    assert config.read({**LEAST, "HOLD_SECONDS": value}).hold_seconds == int(value)


def test_the_region_is_the_functions_own_before_any_default():
    assert config.read({**LEAST, "AWS_DEFAULT_REGION": "eu-west-1"}).region == "eu-west-1"
    both = {**LEAST, "AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "cn-north-1"}
    assert config.read(both).region == "cn-north-1"


def test_cells_are_read_by_name_and_none_is_one_account():
    cells = config.read({**LEAST, "CELLS": "a:8000,b@444455556666:9"}).cells
    roles = "arn:aws:iam::444455556666:role/cardmesh/cells"
    assert cells["a"] == config.Cell(8000)
    assert cells["b"] == config.Cell(
        9, f"{roles}/tenant/cardmesh-tenant-us-east-1", f"{roles}/operator/cardmesh-operator-us-east-1"
    )
    assert config.read(LEAST).cells == {}


def test_our_own_account_opens_sites_by_the_cells_role_once_its_number_is_told():
    china = {**LEAST, "AWS_REGION": "cn-north-1", "TABLE_PREFIX": "cards"}
    (own,) = config.read({**china, "CELLS": "a@111122223333:8000"}).cells.values()
    role = "arn:aws-cn:iam::111122223333:role/cards/cells/operator/cards-operator-cn-north-1"
    assert own == config.Cell(8000, operator_role=role)


@pytest.mark.parametrize(
    "told",
    [
        "{",
        "a",
        "a:",
        "a:x",
        "a:-1",
        "a:1,",
        "a:1,a:2",
        "a:1,b:1",
        "b@444455556666:1",
        "a:1,b@4444:1",
        "a:10001",
        "a:1,B!@444455556666:1",
        "a:\u0661",
    ],
)
def test_cells_that_make_no_sense_stop_the_function(told):
    with pytest.raises(config.Misconfigured, match="CELLS"):
        config.read({**LEAST, "CELLS": told})


def test_a_template_is_told_itself_or_is_a_file_of_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "_PACKAGE", tmp_path)
    (tmp_path / "subsite.json").write_text("{}")
    for told, meant in (
        ("subsite.json", "{}"),
        ("Resources: {}", "Resources: {}"),
        ("https://b/s.json", "https://b/s.json"),
    ):
        assert config.read({**LEAST, "SUBSITE_TEMPLATE": told}).subsite_template == meant
