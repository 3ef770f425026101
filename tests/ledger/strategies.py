"""Sales and plans of every kind."""

from hypothesis import strategies as st

from chalicelib.ledger import rules
from chalicelib.ledger.rules import Plan, Sale

BPS = st.integers(rules.LEAST_BPS, rules.MOST_BPS)
PLANS = st.builds(
    Plan,
    st.just("p"),
    st.just(1),
    BPS,
    BPS,
    st.sampled_from(rules.BEARERS),
    st.integers(0, 500),
    main_base=st.sampled_from(rules.BASES),
    own_base=st.sampled_from(rules.BASES),
    l1_bps=st.integers(0, 1000),
    l2_bps=st.integers(0, 1000),
    second_level=st.booleans(),
)


@st.composite
def sales(draw):
    """Delivered orders with every kind of tender, coupon and distributor; wholesale is never above what was paid."""
    paid = draw(st.integers(1, 10**10))
    coupon = draw(st.none() | st.integers(0, 10**6))
    return Sale(
        "demo",
        "wechat",
        paid,
        draw(st.integers(0, paid)),
        draw(st.booleans()),
        list_fen=None if coupon is None else paid + coupon,
        coupon_by=draw(st.sampled_from([*rules.BEARERS, "points"])),
        balance_fen=draw(st.integers(0, paid)),
        member="m1",
        agents=draw(st.sampled_from([(), ("d1",), ("d1", "d2"), ("m1", "d2")])),
        mode=draw(st.sampled_from(["unified", "independent"])),
    )
