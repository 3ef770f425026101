"""Pages look the same from compiled templates, which a package has instead of compiling at each start."""

import shutil
from types import SimpleNamespace

import pytest
from jinja2 import TemplateSyntaxError

from chalicelib.web import pages

VISIT = SimpleNamespace(lang="en")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(pages.Pages, "all", [])
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/base.html").write_text("<p>{% block body %}{% endblock %}</p>")
    (tmp_path / "templates/one.html").write_text(
        "{% extends 'base.html' %}{% block body %}{{ name }} {{ 495|yuan }}{% endblock %}"
    )
    return tmp_path


def shown(folder):
    return pages.Pages(folder).page(VISIT, "one.html", name="<b>").body


def test_a_compiled_page_is_the_same_and_needs_no_template(folder):
    written = shown(folder)
    pages.Pages(folder).compile()
    shutil.rmtree(folder / "templates")
    assert shown(folder) == written
    assert "&lt;b&gt;" in written


def test_every_face_s_pages_are_known_to_whoever_compiles_them(folder):
    made = [pages.Pages(folder), pages.Pages(folder)]
    assert pages.Pages.all == made


def test_a_template_that_is_none_is_not_compiled_over(folder):
    (folder / "templates/broken.html").write_text("{% if %}")
    with pytest.raises(TemplateSyntaxError):
        pages.Pages(folder).compile()
