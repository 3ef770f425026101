"""What holds on every page: legible, light, whole in both languages, nothing smuggled in."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.kit.errors import ShopError
from chalicelib.web import pages as web_pages
from chalicelib.web.storefront import look, pages
from tests.web.storefront import fake
from tests.web.storefront.markup import read

FOLDER = Path(look.__file__).parent
TEMPLATES = {path.name: path.read_text("utf-8") for path in (FOLDER / "templates").iterdir()}
WORDS = {lang: json.loads((FOLDER / "words" / f"{lang}.json").read_text("utf-8")) for lang in ("zh-CN", "en")}
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
LIGHT = 60 * 1024  # bytes of the first load, compressed
EVIL = "<script>alert(1)</script>\"'&"
PATHS = (
    "/",
    "/?q=steam",
    "/?q=nothing",
    "/goods/tx-month",
    "/goods/xbox",
    "/goods/none",
    "/buy/tx-month",
    f"/pay/{fake.NUMBER}",
    f"/orders/{fake.NUMBER}",
    "/orders",
    "/login",
    "/signup",
)


@pytest.fixture
def holder(browser):
    browser.cookies["receipts"] = fake.NUMBER
    return browser


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_well_formed_labelled_and_free_of_inline_scripts(holder, path, lang):
    holder.cookies["lang"] = lang
    assert read(holder.get(path)).faults() == []


@pytest.mark.parametrize("path", PATHS)
def test_english_pages_speak_english(holder, store, path):
    store.site = replace(store.site, brand=fake.tenancy.Brand(name="Pomelo", tagline="Codes at once"))
    store.offers = tuple(
        replace(one, name="Code", category="Cards", face_value="1", notes="") for one in fake.OFFERS
    )
    store.order = replace(store.order, goods_name="Code")
    holder.cookies["lang"] = "en"
    shown = read(holder.get(path))
    assert CHINESE.findall(shown.text.replace("中文", "").replace("中", "")) == []


@pytest.mark.parametrize("path", PATHS)
def test_nothing_a_stranger_wrote_becomes_markup(holder, store, path):
    brand = fake.tenancy.Brand(name=EVIL, tagline=EVIL, notice=EVIL, logo="<&")
    store.site = replace(store.site, brand=brand)
    store.offers = tuple(
        replace(one, name=EVIL, category=EVIL, face_value=EVIL, notes=EVIL) for one in fake.OFFERS
    )
    store.order = replace(store.order, goods_name=EVIL, contact_masked=EVIL)
    store.reach("delivered" if path.startswith("/orders/") else "pending", codes=(EVIL,))
    body = holder.get(path.replace("steam", "%3Cscript%3Ealert(1)%3C/script%3E")).body.decode()
    assert "<script>alert" not in body
    assert read(holder.get(path)).faults() == []


def test_a_logo_image_is_an_image_and_nothing_else(browser, store):
    image = "data:image/png;base64,iVBORw0KGgo="
    store.site = replace(store.site, brand=replace(store.site.brand, logo=image))
    shown = read(browser.get("/"))
    assert [found["src"] for found in shown.all("img")] == [image]
    assert shown.all("link", rel="icon")[0]["href"] == image


def test_both_languages_say_the_same_things_about_the_same_values():
    chinese, english = WORDS["zh-CN"], WORDS["en"]
    assert chinese.keys() == english.keys()
    assert [key for key in chinese if _slots(chinese[key]) - _slots(english[key])] == []
    assert [
        key for key, words in english.items() if CHINESE.search(words) and not key.startswith("lang.")
    ] == []


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_templates_hold_no_words_of_their_own(name):
    assert CHINESE.findall(TEMPLATES[name]) == []


def test_every_word_a_template_asks_for_exists_and_every_word_is_asked_for():
    source = "".join(TEMPLATES.values()) + "".join(path.read_text("utf-8") for path in FOLDER.glob("*.py"))
    asked = set(re.findall(r"t\('([a-z_.]+)'[,)]", source))
    assert asked - WORDS["zh-CN"].keys() == set()
    families = (
        "error.",
        "kind.",
        "stock.",
        "status.",
        "step.",
        "wait.",
        "trouble.",
        "channel.",
        "line.",
        "pay.scan.",
    )
    families += ("pay.open.", "login", "signup", "lang.", "goods.how.", "nav.")
    families += ("refund.", "health.", "name.is.", "wallet.most.")
    families += ("wallet.done.", "entry.", "pay.next.", "pay.over.")
    unused = [key for key in WORDS["zh-CN"] if key not in asked and not key.startswith(families)]
    assert [key for key in unused if f"'{key}'" not in source] == []


def test_every_state_and_step_has_words():
    from chalicelib.orders import service as orders

    for status in orders.STATES:
        assert {f"status.{status}", f"status.{status}.next", f"wait.{status}", f"trouble.{status}"} <= WORDS[
            "en"
        ].keys()


def test_words_for_refusals_belong_to_refusals_that_exist():
    kinds = {"missing", "forbidden", "busy", "resting", "ours", "changed", "input"}
    about = {
        key.removeprefix("error.") for key in WORDS["en"] if key.startswith("error.") and ".title." not in key
    }
    assert about - _codes(ShopError) - kinds == {"safe", "home", "lookup", "unseen", "trace"}
    assert {key.rpartition(".")[2] for key in WORDS["en"] if ".title." in key} == kinds


def test_a_refusal_nobody_wrote_words_for_still_reads_well(browser):
    class Odd(ShopError):
        status = 418
        code = "odd"

    class Visit:
        lang = "zh-CN"

    assert look.reason(Visit(), Odd()) == "请检查填写的内容，再试一次。"


def test_the_first_load_is_light_even_with_a_full_counter(browser, store):
    store.offers = tuple(
        fake.offer(f"g{n:03}", f"腾讯视频 VIP 月卡 {n}", f"分类 {n % 9}", "membership", "1 个月", 2500 + n)
        for n in range(pages.PER_PAGE)
    )
    parts = [browser.get("/").body]
    parts += [(web_pages.STATIC / name).read_bytes() for name in ("storefront.css", "storefront.js")]
    assert sum(len(gzip.compress(part)) for part in parts) < LIGHT


def test_a_static_file_changes_its_address_with_its_content(browser):
    shown = read(browser.get("/"))
    sheet = shown.all("link", rel="stylesheet")[0]["href"]
    assert re.fullmatch(r"/static/storefront\.css\?v=[0-9a-f]{10}", str(sheet))


def _codes(kind: type[ShopError]) -> set[str]:
    return {kind.code}.union(*(_codes(child) for child in kind.__subclasses__()))


def _slots(words: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", words))
