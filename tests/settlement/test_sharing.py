"""Who gets how much at the channel: nothing is lost, nothing exceeds the cap, nothing stays frozen."""

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger import service as ledger
from chalicelib.settlement import sharing

SITE, AGENTS = "k3f9", ("aaaa", "bbbb")
PARTIES = [SITE, *(f"dist:{agent}" for agent in AGENTS)]
BPS = st.integers(0, 3000)
MODES = st.sampled_from(["unified", "independent"])


@st.composite
def sales(draw):
    """The legs of a sale of the site's own goods with what goes by the channel frozen, its amount and mode."""
    mode, paid = draw(MODES), draw(st.integers(1, 1_000_000))
    plan = ledger.Plan(
        "p",
        1,
        2000,
        draw(st.integers(1000, 3000)),
        draw(st.sampled_from(["main", "site"])),
        fee_bps=draw(st.integers(0, 100)),
        l1_bps=draw(BPS),
        l2_bps=draw(BPS),
        second_level=True,
    )
    sale = ledger.Sale(SITE, "wechat", paid, 0, own_goods=True, agents=AGENTS, mode=mode)
    cap = draw(BPS)
    caps = {party: cap if draw(st.booleans()) else 0 for party in PARTIES}
    before = ledger.sale_legs(sale, plan)
    return sharing.freeze(before, SITE, caps), paid, cap, mode == "independent", before


@st.composite
def splits(draw):
    """A sale, what was due of it, and what of that the channel paid."""
    legs, paid, cap, independent, _ = draw(sales())
    sums = ledger.totals([legs])
    room = paid * cap // 10_000
    dues = sharing.dues(sums, SITE, cap_fen=room, independent=independent)
    went = [sharing.Outcome(due.party, due.fen) for due in dues if draw(st.booleans())]
    return sums, dues, went, room, independent


def after(sums, *journals):
    return {account: fen for account, fen in ledger.totals([sums.items(), *journals]).items() if fen}


def whole(split):
    sums, _, went, _, independent = split
    done = after(sums, sharing.split_legs(sums, SITE, "wechat", went, independent=independent))
    return after(done, sharing.thaw_legs(done, SITE, "wechat")) if independent else done


def parts(legs):
    """What everybody has of a sale, frozen or not."""
    return ledger.totals(
        [(account.replace(":frozen", ":pending"), fen) for account, fen in one] for one in [legs]
    )


@given(sales())
def test_freezing_changes_no_party_s_part_and_freezes_no_more_than_the_channel_splits(sale):
    legs, paid, cap, independent, before = sale
    assert {a: f for a, f in parts(legs).items() if f} == {a: f for a, f in parts(before).items() if f}
    if not independent:
        frozen = -sum(fen for account, fen in legs if account.endswith(":frozen"))
        assert 0 <= frozen <= paid * cap // 10_000


@given(splits())
def test_no_more_is_split_than_the_channel_does_and_never_less_than_nothing(split):
    _, dues, _, room, _ = split
    assert all(due.fen > 0 for due in dues)
    assert sum(due.fen for due in dues) <= room
    assert len({due.party for due in dues}) == len(dues)


@given(splits())
def test_once_it_is_over_nothing_is_frozen_and_everything_is_somewhere(split):
    done = whole(split)
    assert not [account for account in done if account.endswith(":frozen")]
    assert sum(done.values()) == 0


@given(splits())
def test_a_site_s_own_merchant_keeps_nothing_in_main_s_books(split):
    done = whole(split)
    if split[-1]:
        assert not [account for account in done if account.startswith(("clearing:", "fee_accrued:"))]


@given(splits())
def test_what_main_s_own_merchant_collected_leaves_clearing_by_its_bill_alone(split):
    sums, _, went, _, independent = split
    if not independent:
        done = whole(split)
        assert done["clearing:wechat"] == sums["clearing:wechat"]
        assert done.get("bank:main", 0) == -sum(each.fen for each in went)


@given(splits(), st.data())
def test_after_a_refund_of_any_part_nothing_is_frozen_either(split, data):
    sums, _, went, _, independent = split
    paid = sums["clearing:wechat"]
    fen = data.draw(st.integers(1, paid))
    legs = ledger.totals([ledger.refund_legs(sums.items(), paid, 0, fen)])
    back = []
    for each in went:
        most = min(each.fen, sharing.part_back(legs, each.party, fen))
        if most > 0:
            back.append(sharing.Outcome(each.party, data.draw(st.sampled_from([most, 0]))))
    more = sharing.back_legs(legs, SITE, "wechat", back, merchant_fen=fen, independent=independent)
    done = after(whole(split), legs.items(), ledger.returned_legs("wechat", fen), more)
    assert not [account for account in done if account.endswith(":frozen")]
    assert sum(done.values()) == 0
    if independent:
        assert "clearing:wechat" not in done
