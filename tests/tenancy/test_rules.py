"""What a site may be called and how it may look."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kit.ids import ALPHABET
from chalicelib.tenancy import rules

BRAND = rules.Brand("Demo")


@pytest.mark.parametrize("slug", ["abc", "a-b", "0x0", "x" * 30, "shop-24-7"])
def test_a_name_for_a_host_is_accepted(slug):
    assert rules.check_slug(slug) == slug


@pytest.mark.parametrize(
    "slug",
    [
        *(
            "",
            "a",
            "ab",
            "x" * 31,
            "-ab",
            "ab-",
            "a--b",
            "xn--80ak6aa92e",
            "Abc",
            "a_b",
            "a.b",
            "a b",
            "abc\n",
        ),
        *("müller", "商店铺", "a/b", "../..", "a'b", "abc#", "１２３"),
    ],
)
def test_what_is_no_name_for_a_host_is_refused(slug):
    with pytest.raises(rules.BadField) as refused:
        rules.check_slug(slug)
    assert refused.value.detail == {"field": "slug"}


@pytest.mark.parametrize("slug", sorted(rules.RESERVED - {"ns"}))
def test_a_reserved_name_is_refused_as_such(slug):
    with pytest.raises(rules.BadField, match="reserved"):
        rules.check_slug(slug)


@given(st.text(max_size=40), st.integers(0, 19))
def test_a_code_is_four_small_letters_that_fit_into_order_numbers(slug, salt):
    code = rules.code_of(slug, salt)
    assert len(code) == 4
    assert code == code.lower()
    assert set(code.upper()) <= set(ALPHABET)
    assert code == rules.code_of(slug, salt)


def test_a_slug_has_other_codes_to_turn_to():
    assert len({rules.code_of("demo", salt) for salt in range(20)}) == 20


@pytest.mark.parametrize(
    "change",
    [
        {"name": "商"},
        {"name": "x" * 40},
        {"logo": "卡盟"},
        {"logo": "data:image/png;base64,AAAA"},
        {"logo": ""},
        {"color": "#0F766E"},
        {"tagline": "x" * 200, "notice": "x" * 200},
    ],
)
def test_a_brand_within_its_bounds_is_accepted(change):
    brand = replace(BRAND, **change)
    assert rules.check_brand(brand) is brand


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 41),
        ("color", "red"),
        ("color", "#12345"),
        ("color", "#1234567"),
        ("color", "#0f766e;}"),
        ("color", "#0f766e\n"),
        ("tagline", "x" * 201),
        ("logo", "ABC"),
        ("logo", "javascript:alert(1)"),
        ("logo", "data:text/html;base64,AAAA"),
        ("logo", "data:image/svg+xml;base64,AAAA"),
        ("logo", "data:image/png;base64," + "A" * rules.LARGEST_LOGO),
    ],
)
def test_a_brand_out_of_bounds_is_refused_by_field(field, value):
    with pytest.raises(rules.BadField) as refused:
        rules.check_brand(replace(BRAND, **{field: value}))
    assert refused.value.detail == {"field": field}


@pytest.mark.parametrize("number", ["91350100M000100Y43", "914403001922038216", " 9144030071526726xg "])
def test_a_licence_number_with_its_check_digit_is_accepted(number):
    assert rules.check_credit_code(number) == number.strip().upper()


@given(st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXYIOSVZ"))
def test_a_licence_number_with_one_wrong_character_is_refused(place, letter):
    number = "914403001922038216"
    wrong = number[:place] + letter + number[place + 1 :]
    if wrong == number:
        return
    with pytest.raises(rules.BadField):
        rules.check_credit_code(wrong)


@pytest.mark.parametrize(
    "number", ["", "9135", "91350100M000100Y430", "９１４４０３００１９２２０３８２１６"]
)
def test_what_is_no_licence_number_is_refused(number):
    with pytest.raises(rules.BadField):
        rules.check_credit_code(number)


@given(st.text("0123456789abcdef", min_size=4, max_size=4), st.integers(-5, 10**7))
def test_a_stack_is_looked_at_soon_at_first_and_at_least_every_75_seconds(code, waited):
    wait = rules.look_again(code, waited)
    assert 2 <= wait <= 75
    assert wait <= max(2, waited // 3) * 1.25


def test_sites_that_wait_together_do_not_look_together():
    assert len({rules.look_again(f"{i:04}", 600) for i in range(200)}) > 10


_ROOMS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)), min_size=1, max_size=6).map(
    lambda told: [rules.Room(f"c{n}", takes, used) for n, (takes, used) in enumerate(told)]
)


@given(_ROOMS, st.text(max_size=4))
def test_a_new_site_goes_where_least_is_used_and_never_where_all_is(rooms, code):
    chosen = rules.place(rooms, code)
    free = {room.cell: room.used / room.takes for room in rooms if room.used < room.takes}
    assert chosen == "" if not free else free[chosen] <= min(free.values()) + 0.01


def test_sites_that_are_placed_together_are_counted_in_different_rows():
    rooms = [rules.Room(f"c{n}", 8000, n) for n in range(13)]
    assert {rules.place(rooms, f"{i:04}") for i in range(200)} == {room.cell for room in rooms}


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_cells_fill_evenly_until_the_last_place_is_taken(takes):
    rooms = {f"c{n}": rules.Room(f"c{n}", most, 0) for n, most in enumerate(takes)}
    for site in range(sum(takes)):
        chosen = rooms[rules.place(rooms.values(), f"{site:04}")]
        rooms[chosen.cell] = replace(chosen, used=chosen.used + 1)
        shares = [room.used / room.takes for room in rooms.values()]
        assert max(shares) - min(shares) <= 1 / min(takes) + 0.01 + 1e-9
    assert rules.place(rooms.values()) == ""
