import itertools

import pytest

from chalicelib.kit import errors, ids
from chalicelib.orders import model, rules, todo
from chalicelib.orders import service as orders
from tests import make

pytestmark = pytest.mark.usefixtures("at_the_shop")

LONGEST = {
    "contact": "🀄" * 24,
    "query_password": "🀄" * 64,
    "member": "M" * 26,
}


@pytest.fixture
def terms():
    return {"codes": 100, "name": "充" * 40}


def force(order, status):
    """Put an order into a state, whatever the allowed moves say."""
    rows = model.OrderRow.of(order.site)
    actions = [rows.status.set(status), rows.paid_at.set(4)]
    rows.change(rules.partition(order.number), order.number, actions, None)


def size(order):
    key = {"pk": {"S": rules.partition(order.number)}, "sk": {"S": order.number}}
    client = make.aws.client("dynamodb")
    return make.item_size(client.get_item(TableName=f"cardmesh-site-{order.site}", Key=key)["Item"])


def receipt(order, transaction="t1", **changes):
    first = order.attempts[0]
    given = {"index": 1, "channel": first.channel, "merchant": first.merchant, "amount_fen": order.amount_fen}
    return orders.Receipt(**{**given, "transaction": transaction, **changes})


def test_an_order_makes_every_allowed_move_and_no_other(shop):
    order = shop.place()
    for start, to in itertools.product(rules.STATES, rules.STATES[1:]):
        force(order, start)
        if (start, to) in rules.MOVES:
            assert orders.move(shop.site, order.number, to, now=5).status == to
            continue
        with pytest.raises(orders.WrongState) as refused:
            orders.move(shop.site, order.number, to, now=5)
        assert refused.value.order.status == start == shop.order(order.number).status


def test_no_move_leads_back_to_pending(shop):
    assert "pending" not in {to for _, to in rules.MOVES}


def test_the_only_way_out_of_delivered_is_an_after_sales_refund_and_none_leads_out_of_refunded():
    assert [move for move in rules.MOVES if move[0] in ("delivered", "refunded")] == [
        ("delivered", "refunding")
    ]
    assert {state for move in rules.MOVES for state in move} <= set(rules.STATES)


def test_a_move_from_a_named_state_only_is_refused_elsewhere(shop):
    order = shop.place()
    force(order, "review")
    with pytest.raises(orders.WrongState):
        orders.move(shop.site, order.number, "refunding", now=5, start=("paid",))
    assert orders.move(shop.site, order.number, "refunding", now=5, start=("review",)).refunding_at == 5


def test_a_move_that_no_state_begins_is_refused(shop):
    order = shop.place()
    force(order, "refunded")
    with pytest.raises(orders.WrongState) as refused:
        orders.move(shop.site, order.number, "refunding", now=5, start=("refunded",))
    assert refused.value.order.status == "refunded"


def test_an_order_nobody_delivered_by_hand_holds_no_text(shop):
    order = shop.place()
    assert orders.delivery(order) == ""
    assert orders.delivery(make.replace(order, why="sold out")) == ""


def test_an_unknown_order_cannot_be_moved_nor_read(shop):
    number = rules.make_number(shop.site, b"x" * 32, make.NOON)
    with pytest.raises(orders.WrongState) as refused:
        orders.move(shop.site, number, "paid", now=5)
    assert refused.value.order is None
    with pytest.raises(errors.NotFound):
        orders.order(shop.site, number)
    assert orders.orders(shop.site, [number]) == {}


@pytest.mark.parametrize("change", [{"amount_fen": 1}, {"merchant": "other"}, {"channel": "alipay"}])
def test_only_a_payment_that_fits_the_order_pays_it(shop, change):
    order = shop.place()
    with pytest.raises(orders.WrongState):
        orders.pay(shop.site, order.number, receipt(order, **change), now=5)
    assert shop.order(order.number).status == "pending"
    assert not receipt(order, **change).fits(order.amount_fen, order.attempts)
    assert receipt(order).fits(order.amount_fen, order.attempts)


def test_delivering_and_refunding_have_one_winner(shop):
    first, second = shop.place(), shop.place()
    for order in (first, second):
        orders.pay(shop.site, order.number, receipt(order), now=5)
    first, second = shop.order(first.number), shop.order(second.number)
    orders.deliver(first, first.ranges, now=6)
    with pytest.raises(orders.WrongState):
        orders.move(shop.site, first.number, "refunding", now=6, start=("paid",))
    orders.move(shop.site, second.number, "refunding", now=6, start=("paid",))
    with pytest.raises(orders.WrongState):
        orders.deliver(second, second.ranges, now=6)


def test_an_order_is_delivered_once_even_with_the_same_codes(shop):
    order = shop.place()
    orders.pay(shop.site, order.number, receipt(order), now=5)
    paid = shop.order(order.number)
    orders.deliver(paid, paid.ranges, now=6)
    with pytest.raises(orders.WrongState) as refused:
        orders.deliver(paid, paid.ranges, now=7)
    assert (refused.value.order.ranges, refused.value.order.delivered_at) == (paid.ranges, 6)


def test_an_order_revived_forgets_its_old_codes_and_takes_new_ones_once(shop):
    order = shop.place()
    orders.move(shop.site, order.number, "expired", now=make.NOON + 900)
    revived = orders.revive(shop.order(order.number), receipt(order), now=make.NOON + 901)
    assert (revived.status, revived.ranges, revived.late) == ("paid", (), True)
    assert [step.what for step in revived.progress] == ["placed", "expired", "paid_late", "delivering"]
    delivered = orders.deliver(revived, order.ranges, now=8)
    assert delivered.ranges == order.ranges
    with pytest.raises(orders.WrongState):
        orders.deliver(revived, (), now=8)


def test_a_pending_order_may_change_its_channel_three_times(shop):
    order = shop.place()
    for index in range(2, rules.MOST_ATTEMPTS + 1):
        order = orders.add_attempt(order, orders.Attempt(index, "alipay", "malipay", "pc"))
        assert (order.attempts[-1].index, order.channel) == (index, "alipay")
    with pytest.raises(errors.Conflict):
        orders.add_attempt(order, orders.Attempt(5, "wechat", "mwechat", "pc"))


def test_two_changes_of_channel_at_once_leave_one(shop):
    order = shop.place()
    orders.add_attempt(order, orders.Attempt(2, "alipay", "malipay", "pc"))
    with pytest.raises(orders.WrongState) as refused:
        orders.add_attempt(order, orders.Attempt(2, "wechat", "mwechat", "mobile"))
    assert [one.channel for one in refused.value.order.attempts] == ["wechat", "alipay"]


def test_the_channel_of_an_unknown_or_paid_order_cannot_be_changed(shop):
    order = shop.place()
    force(order, "paid")
    with pytest.raises(orders.WrongState):
        orders.add_attempt(order, orders.Attempt(2, "alipay", "malipay", "pc"))
    ghost = make.replace(order, number=rules.make_number(shop.site, b"x" * 32, make.NOON))
    with pytest.raises(orders.WrongState) as refused:
        orders.add_attempt(ghost, orders.Attempt(2, "alipay", "malipay", "pc"))
    assert refused.value.order is None


def test_the_channel_of_an_order_is_the_one_that_was_paid(shop):
    order = shop.place()
    switched = orders.add_attempt(order, orders.Attempt(2, "alipay", "malipay", "pc"))
    assert switched.channel == "alipay"
    assert orders.pay(shop.site, order.number, receipt(order), now=5).channel == "wechat"


def test_a_member_finds_their_orders_newest_first_and_nobody_elses(shop, world):
    mine = []
    for _ in range(3):
        world.now += 1
        mine.append(shop.place(member="member-1").number)
    shop.place(member="member-2")
    shop.place()
    assert [one.number for one in orders.of_member(shop.site, "member-1")] == mine[::-1]
    assert orders.of_member(shop.site, "member-3") == []


def test_a_members_history_goes_on_below_a_number(shop):
    numbers = sorted(shop.place(member="member-1").number for _ in range(3))
    page = orders.of_member(shop.site, "member-1", before=numbers[-1])
    assert {one.number for one in page} == set(numbers[:-1])


def test_a_days_orders_are_listed_newest_first_and_by_state(shop, world):
    first = shop.place()
    world.now += 10
    second = shop.place()
    day = make.clock.day_of(make.NOON)
    assert [one.number for one in orders.recent(shop.site, day=day)] == [second.number, first.number]
    force(second, "paid_elsewhere")
    assert [one.number for one in orders.recent(shop.site, day=day, status="pending")] == [first.number]
    assert orders.recent(shop.site, day="20200101") == []


def test_the_open_orders_of_a_day_are_those_that_are_not_final(shop):
    placed = {state: shop.place() for state in orders.STATES}
    for state, order in placed.items():
        force(order, state)
    day = make.clock.day_of(make.NOON)
    found = {one.number for one in orders.on_day(shop.site, day, states=orders.OPEN)}
    assert found == {placed[state].number for state in orders.STATES if state not in orders.FINAL}
    assert len(list(orders.on_day(shop.site, day))) == len(placed)


def test_an_order_stays_under_900_bytes_in_every_state(shop):
    site = shop.site
    digest = bytes(range(32))
    number = rules.make_number(site, digest, make.NOON)
    segs = [f"c{ids.token(10)}Z" for _ in range(8)]
    ranges = tuple(orders.Range(seg, 199_000, 1250) for seg in segs)
    merchants = ["9" * 16, "2088" + "9" * 12]
    orders.open_order(
        site,
        number,
        fingerprint=b"f" * 16,
        goods_id="g" + "9" * 10,
        goods_owner="main",
        goods_name="充值卡🀄" * 30,
        kind="membership",
        way="pool",
        quantity=10_000,
        amount=10_000_000 * 10_000,
        cost=10_000_000 * 9_999,
        plan="p" * 20 + "@99999",
        goods_version=123_456,
        ranges=ranges,
        attempt=orders.Attempt(1, "wechat", merchants[0], "mobile", splits=True),
        agents=("a2b4", "z9y8"),
        contact=orders.seal_contact(site, number, orders.contact(LONGEST["contact"])),
        password=make.placing.password.hashed(LONGEST["query_password"]),
        member=LONGEST["member"],
        waiver=99,
        placed_at=make.NOON,
        expires_at=make.NOON + 900,
    )
    order = orders.order(site, number)
    for index in (2, 3, 4):
        attempt = orders.Attempt(index, "alipay", merchants[index % 2], "mobile", splits=True)
        order = orders.add_attempt(order, attempt)
    sizes = {"pending": size(order)}
    orders.move(site, number, "expired", now=make.NOON + 900)
    sizes["expired"] = size(order)
    force(order, "expired")
    payment = orders.Receipt(4, "alipay", merchants[0], order.amount_fen, "4" * 32)
    paid = {**payment.record, "late": True}
    steps = [
        ("paid", paid),
        ("review", {}),
        ("refunding", {"why": orders.short_reason("退" * 40)}),
        ("review", {"why": "refund abnormal"}),
    ]
    for state, fields in [*steps, ("refunding", {"why": orders.short_reason("退" * 40)}), ("refunded", {})]:
        orders.move(site, number, state, now=make.NOON + 999, **fields)
        sizes[state] = max(sizes.get(state, 0), size(order))
    force(order, "review")
    orders.move(site, number, "delivered", now=make.NOON + 999, why="A" * 8)
    often = {"refunded_fen": order.amount_fen, "refunds": 48, "why": "A" * 8}
    for state in ("refunding", "delivered"):
        orders.move(site, number, state, now=make.NOON + 999, **often)
        sizes[state] = max(sizes.get(state, 0), size(order))
    assert set(sizes) == set(rules.STATES)
    assert {state: bytes_ for state, bytes_ in sizes.items() if bytes_ > 900} == {}


def test_a_matter_noted_twice_stays_one_and_can_be_opened_again(shop):
    order = shop.place()
    orders.add_todo(shop.site, order.number, "refund", due=10)
    (noted,) = orders.todos_of(shop.site, order.number)
    orders.delay_todo(shop.site, noted, due=20)
    orders.add_todo(shop.site, order.number, "refund", due=99)
    (kept,) = orders.todos_of(shop.site, order.number)
    assert (kept.due, kept.tries, kept.noted_at) == (20, 1, 10)
    orders.delay_todo(shop.site, noted, due=30)  # another run counted the first try already
    assert orders.todos_of(shop.site, order.number) == [kept]
    orders.close_todo(shop.site, order.number, "refund", now=40)
    orders.close_todo(shop.site, order.number, "refund", now=41)
    assert orders.todos_of(shop.site, order.number) == []
    orders.add_todo(shop.site, order.number, "refund", due=50)
    (again,) = orders.todos_of(shop.site, order.number)
    assert (again.due, again.tries) == (50, 0)


def test_matters_are_due_when_their_time_has_come(shop):
    orders.add_todo(shop.site, "A" * 28, "refund", due=10)
    orders.add_todo(shop.site, "B" * 28, "refund", due=30)
    assert [one.number for one in orders.due_todos(shop.site, now=10)] == ["A" * 28]
    assert orders.due_todos(shop.site, now=9) == []
    orders.close_todo(shop.site, "A" * 28, "refund", now=11)
    assert [one.number for one in orders.due_todos(shop.site, now=31)] == ["B" * 28]


def test_closing_a_matter_nobody_noted_writes_nothing(shop):
    orders.close_todo(shop.site, "A" * 28, "refund", now=1)
    assert todo.TodoRow.of(shop.site).read("TODO", f"{'A' * 28}#refund") is None
