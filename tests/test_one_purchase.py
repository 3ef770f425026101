"""The story of one purchase, from the empty shelf to the settled split."""

from chalicelib.fulfilment import service as fulfilment
from chalicelib.kit import clock, tenant
from chalicelib.settlement import service as settlement


def test_a_shopper_buys_a_code_and_the_money_is_split_to_the_fen(world, shop):
    order = shop.place(quantity=2)
    assert (order.status, order.amount_fen) == ("pending", 9900)
    assert shop.free() == 8

    shop.pay(order)
    assert shop.order(order.number).status == "paid"

    world.run("fulfil", "settle")
    delivered = shop.order(order.number)
    assert delivered.status == "delivered"
    with tenant.acting_for(shop.site):
        codes = fulfilment.codes_of(delivered)
        statement = settlement.statement(shop.site, clock.day_of(world.now))
    assert len(set(codes)) == 2
    assert all(code.startswith("CODE-") for code in codes)
    # 99.00 paid, 80.00 wholesale; main takes 20 % of the margin of 19.00, the site the rest.
    (row,) = statement.rows
    assert (row.paid_fen, row.site_fen, row.main_fen + row.fee_fen) == (9900, 1520, 8380)
    assert row.site_fen + row.main_fen + row.fee_fen == row.paid_fen
