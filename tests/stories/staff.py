"""A person at a console, without a browser: signs in, reads pages, sends their forms."""

import html
import re
from typing import Self

import httpx

_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


class Person:
    """Somebody signed in at a site's console; "main" is the main site."""

    def __init__(self, place, site, login, password):
        self.web = httpx.Client(
            base_url=f"http://127.0.0.1:{place.port}",
            headers={"Host": f"{site}.{place.site_domain}"},
            timeout=60,
            trust_env=False,
        )
        signed_in = self.web.post("/console/login", data={"login": login, "password": password})
        self.web.headers["Cookie"] = signed_in.headers["Set-Cookie"].split(";")[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_):
        self.web.close()

    def read(self, path):
        """A page's markup."""
        return self.web.get(path).raise_for_status().text

    def send(self, path, **fields):
        """The answer to a form of the page at this path, where a person would find it."""
        token = html.unescape(_TOKEN.search(self.read("/console"))[1])
        return self.web.post(path, data=fields | {"form_token": token})

    def open_goods(self, name, codes, *, price="9.90"):
        """Put goods with these codes on sale; their id."""
        made = self.send(
            "/console/goods/new",
            name=name,
            category="压测",
            wholesale="8.00",
            suggest=price,
            on="1",
            most="100",
        )
        goods_id = re.search(r"/console/stock/(\w+)", made.headers["Location"])[1]
        report = self.send(f"/console/stock/{goods_id}", codes="\n".join(codes), act="import")
        assert f"<dt>入库</dt><dd>{len(codes)}</dd>" in report.text
        return goods_id
