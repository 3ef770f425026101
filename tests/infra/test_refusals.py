"""What API Gateway itself says: a page for browsers, a problem for programmes."""

import json
import re

import pytest

from infra.package import refusals

KINDS = list(refusals.KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_browser_gets_a_page_in_two_languages_and_a_programme_a_problem(kind):
    said = refusals.responses(pages=True)[kind]["responseTemplates"]
    assert min(said) == "application/json"  # the first by name is for those who take anything
    problem = json.loads(said["application/problem+json"])
    assert problem == json.loads(said["application/json"])
    assert problem["code"] == refusals.KINDS[kind].code
    page = said["text/html"]
    assert page.startswith("<!doctype html>")
    assert re.search(r'<p lang="en">[A-Z][^<]{20,}</p>', page)
    assert re.search(r"<h1>[\u4e00-\u9fff，]{4,}</h1>", page)
    assert f"<title>{refusals.KINDS[kind].title}</title>" in page
    assert "暂时连不上" not in page or kind == "DEFAULT_5XX"  # the edge's page gives its look alone


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_request_or_of_another_place_is_in_it(kind):
    for template in refusals.responses(pages=True)[kind]["responseTemplates"].values():
        assert "$" not in template  # API Gateway would put something in
        assert re.findall(r'(?:href|src)="([^"]*)"', template) in ([], ["/", "/orders"])
        assert not re.search(r"https?:|<script|@import|url\(", template)


def test_nothing_is_kept_and_who_is_too_many_is_told_when_to_come_back():
    said = refusals.responses(pages=True)
    for response in said.values():
        assert response["responseParameters"]["gatewayresponse.header.Cache-Control"] == "'no-store'"
    waiting = [
        k for k, each in said.items() if "gatewayresponse.header.Retry-After" in each["responseParameters"]
    ]
    assert waiting == ["THROTTLED"]
    assert [each.get("statusCode") for each in said.values()] == ["404", "429", "413", None, None]


def test_channels_get_no_pages():
    for response in refusals.responses(pages=False).values():
        assert set(response["responseTemplates"]) == {"application/json", "application/problem+json"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, "MISSING_AUTHENTICATION_TOKEN"),
        (429, "THROTTLED"),
        (413, "REQUEST_TOO_LARGE"),
        (411, "DEFAULT_4XX"),
        (502, "DEFAULT_5XX"),
    ],
)
def test_the_same_is_said_where_no_api_gateway_stands(status, kind):
    assert refusals.of_status(status) is refusals.KINDS[kind]
