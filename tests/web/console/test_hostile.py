"""Whatever is typed or sent, nothing breaks and nothing runs."""

import re

import pytest

from .conftest import buy, page
from .test_login import OWNER_ONLY, STAFF_ONLY, paths

pytestmark = pytest.mark.slow

TYPED = (
    "😀'; DROP TABLE orders; --<img src=x onerror=alert(1)>{{ 7 * 7 }}",
    "\x00\x1b[31m",
    "-1",
    "1000000000",
    "1e400",
    "A" * 5000,
    "0001-01-01T00:00",
    "٣:٣",
)


@pytest.fixture
def order(world, shop):
    return buy(world, shop)


@pytest.mark.parametrize("shift", [0, 3, 6])
def test_no_form_breaks_by_what_is_typed(staff, owner, shop, order, shift):
    """Each field holds one of the texts, another one in each round."""
    for person, foreign in ((staff, OWNER_ONLY), (owner, STAFF_ONLY)):
        parts = {"site": shop.site, "goods_id": shop.goods_id, "number": order.number}
        shown = "".join(
            page(person.get(path)) for path in (*paths(person.client, "GET", **parts), "/console/goods/new")
        )
        names = sorted(set(re.findall(r'name="([\w.]+)"', shown)))
        fields = {name: TYPED[(i + shift) % len(TYPED)] for i, name in enumerate(names)}
        fields["form_token"] = person.form_token
        assert len(fields) > 20
        for path in paths(person.client, "POST", **parts):
            if path in ("/console/login", "/console/logout") or path.startswith(foreign):
                continue
            answer = person.post_raw(path, fields)
            assert answer.status_code < 500, path
            assert "<img src=x" not in page(answer), path


@pytest.mark.parametrize("typed", ["%00..%2f..", "%F0%9F%98%80%27%22%3E", "0001-01-01"])
def test_no_page_breaks_by_its_address(staff, owner, order, typed):
    for person in (staff, owner):
        for path in paths(person.client, "GET", site=typed, goods_id=typed, number=typed):
            query = "&".join(
                f"{name}={typed}"
                for name in ("q", "day", "site", "status", "before", "category", "done", "n")
            )
            answer = person.get(f"{path}?{query}")
            assert answer.status_code in (200, 303, 404), path


def test_bytes_that_are_no_form_are_refused(staff):
    for body in (b"\xff\xfe", b"=" * 100_000, b"a=1&" * 30_000, b"%ff%fe=%00"):
        headers = {
            "Host": staff.host,
            "Cookie": f"staff={staff.token}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = staff.client.http.request("POST", "/console/goods/new", headers=headers, body=body)
        assert answer.status_code in (400, 403, 413), body[:10]


def test_no_page_runs_scripts_of_its_own(staff, owner):
    for person in (staff, owner):
        for path in paths(person.client, "GET"):
            shown = page(person.get(path))
            assert "<script>" not in shown
            assert " onclick=" not in shown
            assert "javascript:" not in shown
