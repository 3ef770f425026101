"""Orders that move together with something else, or not at all."""

import pytest

from chalicelib.kit import errors
from chalicelib.orders import model, rules
from chalicelib.orders import service as orders


class Beside:
    """Writes a row that must not stand yet; before its first `crowded` times, somebody else was faster."""

    def __init__(self, site, crowded=0):
        self.rows = model.DeliveryRow.of(site)
        self.crowded = crowded
        self.tries = 0

    def __call__(self, write):
        self.tries += 1
        row = self.rows("BESIDE", f"{self.tries}", sealed=b"x", staff="s", at=1)
        if self.tries <= self.crowded:
            self.rows("BESIDE", f"{self.tries}", sealed=b"y", staff="s", at=1).insert()
        write.save(row, condition=self.rows.pk.does_not_exist())

    @property
    def written(self):
        return [row.sk for row in self.rows.under("BESIDE", consistent=True) if row.sealed == b"x"]


def fields_of(desk):
    order = desk.put()
    number = rules.make_number(desk.site, b"another digest of it", order.placed_at)
    return number, {
        "fingerprint": b"f" * 16,
        "goods_id": "g1",
        "goods_owner": "main",
        "goods_name": "卡",
        "kind": "card",
        "way": "pool",
        "quantity": 1,
        "amount": 4950,
        "cost": 4000,
        "plan": "standard@1",
        "goods_version": 1,
        "ranges": (),
        "attempt": rules.Attempt(1, "balance", "main", "pc"),
        "contact": b"c",
        "password": b"p",
        "placed_at": order.placed_at,
        "expires_at": order.expires_at,
    }


def test_an_order_is_put_down_together_with_what_it_needs(desk):
    number, fields = fields_of(desk)
    beside = Beside(desk.site, crowded=1)
    placed = orders.open_with(desk.site, number, beside, status="paid", balance=4950, **fields)
    assert orders.order(desk.site, number) == placed
    assert (placed.status, placed.balance_fen, placed.channel_fen) == ("paid", 4950, 0)
    assert beside.written == ["2"]


def test_an_order_that_stands_is_found_and_nothing_is_written_beside_it(desk):
    number, fields = fields_of(desk)
    first = orders.open_with(desk.site, number, Beside(desk.site), **fields)
    beside = Beside(desk.site)
    beside.tries = 1
    with pytest.raises(orders.Exists) as before:
        orders.open_with(desk.site, number, beside, **{**fields, "amount": 1})
    assert before.value.order == first
    assert beside.written == ["1"]


def test_what_never_comes_to_rest_is_given_up(desk):
    number, fields = fields_of(desk)
    beside = Beside(desk.site, crowded=99)
    with pytest.raises(errors.Conflict):
        orders.open_with(desk.site, number, beside, **fields)
    with pytest.raises(errors.NotFound):
        orders.order(desk.site, number)
    order = desk.put()
    with pytest.raises(errors.Conflict):
        orders.move_with(order, "paid", beside, now=1)
    assert (orders.order(desk.site, order.number), beside.written) == (order, [])


def test_a_move_is_tried_again_while_only_the_other_thing_was_in_the_way(desk):
    order, beside = desk.put(), Beside(desk.site, crowded=2)
    moved = orders.move_with(order, "paid", beside, now=order.placed_at + 1, transaction="t1")
    assert (moved.status, moved.transaction, moved.paid_at) == ("paid", "t1", order.placed_at + 1)
    assert beside.written == ["3"]


def test_an_order_that_moved_meanwhile_takes_nothing_with_it(desk):
    order, beside = desk.put(), Beside(desk.site)
    expired = desk.move(order, "expired")
    with pytest.raises(orders.WrongState) as stood:
        orders.move_with(order, "paid", beside, now=1)
    assert (stood.value.order, beside.written) == (expired, [])


def test_an_order_marked_with_other_money_is_not_as_it_was_read(desk):
    order = desk.put()
    expired = desk.move(order, "expired")
    receipt = rules.Receipt(1, "wechat", "m1", 9900, "t9")
    marked = orders.decline(expired, receipt)
    assert marked.transaction == "t9"
    with pytest.raises(orders.WrongState) as stood:
        orders.move_with(expired, "paid", Beside(desk.site), now=1)
    assert stood.value.order == marked
    assert orders.decline(expired, receipt) == marked
    with pytest.raises(orders.WrongState):
        orders.decline(expired, rules.Receipt(1, "wechat", "m1", 9900, "t10"))


def test_there_is_no_way_around_the_table_of_moves(desk):
    order, beside = desk.put(), Beside(desk.site)
    with pytest.raises(orders.WrongState):
        orders.move_with(order, "refunded", beside, now=1)
    assert beside.tries == 0


@pytest.mark.parametrize("moved", [False, True])
def test_a_refusal_of_the_other_thing_stands_unless_the_order_moved(desk, moved):
    order = desk.put()

    def refuse(_write):
        if moved:
            desk.move(order, "expired")
        raise errors.TooMany

    with pytest.raises(orders.WrongState if moved else errors.TooMany):
        orders.move_with(order, "paid", refuse, now=1)
