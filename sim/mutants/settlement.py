"""Bugs of the books: counted twice, not at all, on the wrong day, or rounded away."""

from .mutant import ROUGH, mutant

_OLD = ROUGH | {"stale": 0.6}
_LATE = ROUGH | {"skew": 1.0, "message_late": 0.9, "broken_release": 1.0}
_FLOATS = "shops that reckon money in floating point"

SETTLEMENT = (
    mutant(
        "settled-twice",
        "A sale stands in the statement twice: its message came twice.",
        ("ledger.service:post", '{number}#{event}"', '{number}#{event}#{ids.token(4)}"'),
        ("ledger.service:_journal", 'row.sk.split("#", 1)', 'row.sk.split("#")[:2]'),
        origin="shops that credit a merchant with every callback",
    ),
    mutant(
        "settled-where-the-worker-stands",
        "A sale of last night stands in two statements.",
        ("settlement.books:post", "window = clock.day_of(at)", "window = clock.day_of(clock.now())"),
        origin="jobs that book by their own clock",
        rates=_LATE,
    ),
    mutant(
        "day-of-another-time-zone",
        "Sales between midnight and eight stand in the statement of the day before.",
        ("settlement.books:post", "window = clock.day_of(at)", "window = clock.day_of(at - 8 * 3600)"),
        origin="shops whose servers run in UTC",
    ),
    mutant(
        "window-closed-once",
        "Money that was booked after the statement was closed never reaches the account.",
        ("settlement.rules:windows_to_close", "{0: CLOSE_AGAIN, 1: CLOSE_AGAIN[:1]}", "{0: CLOSE_AGAIN[:1]}"),
        origin="shops that close a day while its last jobs are still in the queue",
        rates=_LATE,
    ),
    mutant(
        "window-paid-again",
        "A site may withdraw a day's money twice.",
        ("ledger.service:close", "released = dict(before.released) if before else {}", "released = {}"),
        origin="jobs that are not to be run twice, and are",
    ),
    mutant(
        "totals-added-without-condition",
        "A site may withdraw a day's money twice: an old reading said that the day was not closed yet.",
        ("ledger.service:_post_window", ", condition=expected)", ")"),
        (
            "ledger.service:close",
            '.read(f"STMT#{site}", window)',
            '.read(f"STMT#{site}", window, consistent=False)',
        ),
        origin="balances that are incremented and guarded by nothing",
        rates=_OLD,
    ),
    mutant(
        "early-money-paid-again",
        "A site that has its money the same day gets all of it once more after midnight.",
        (
            "ledger.postings:due_of",
            "due[party] = target - had",
            "due[party] = target - had * bool(early_fen)",
        ),
        origin="shops that pay advances from one job and the rest from another",
        rates=ROUGH | {"replan": 1.0},
    ),
    mutant(
        "early-money-in-no-line",
        "A site's statement does not add up to its account: what came early has no line.",
        ("ledger.flows:added_to", "if not fen:", 'if not fen or "deferred" in parts:'),
        origin="shops that keep balances and histories apart",
        rates=ROUGH | {"replan": 1.0},
    ),
    mutant(
        "account-apart-from-statement",
        "What a site may withdraw is not what its statements say: the function died between the two.",
        (
            "ledger.service:_post_window",
            "                _release(write, party, flow, logged=party == site)",
            (
                "                pass\n"
                '        with table.Together(tenant.MAIN, "") as write:\n'
                "            for party, fen in batch:\n"
                '                flow = Flow(now, "release", f"{site}@{window}#{rev}", fen)\n'
                "                _release(write, party, flow, logged=party == site)"
            ),
        ),
        origin="shops without transactions",
        rates=ROUGH | {"kill_before": 0.05, "kill_after": 0.05},
    ),
    mutant(
        "journal-read-twice",
        "A statement counts a sale twice.",
        ("ledger.service:journals", "in range(BUCKETS)", "in (*range(BUCKETS), 0)"),
        origin="pages of a list that overlap",
    ),
    mutant(
        "part-in-floating-point",
        "The main site's part is a fen too small or too large.",
        (
            "kit.money:share",
            "whole, rest = divmod(total * bps, BPS)",
            "whole, rest = int(round(total * (bps / BPS), 1)), 0",
        ),
        origin=_FLOATS,
    ),
    mutant(
        "parts-rounded-apart",
        "A sale cannot be booked: its parts do not add up to what was paid.",
        (
            "ledger.rules:shares",
            "sale.sold_fen - main, fee",
            "share(base, 10_000 - (plan.own_bps if sale.own_goods else plan.main_bps)) + (fee % 2), fee",
        ),
        origin=_FLOATS,
    ),
    mutant(
        "duplicate-never-booked",
        "The books show money that went back and never came.",
        (
            "settlement.refunds:_refund_duplicate",
            '    _post(order, f"{todo.what}-taken", ledger.taken_legs(channel, fen), at)\n',
            "",
        ),
        origin="shops that keep no books of refunds",
    ),
    mutant(
        "lost-sale",
        "A delivered order is in no statement: its message was lost, and nobody looks for it.",
        (
            "fulfilment.service:_deliver_codes",
            'queue.send("settle", site=order.site, order=order.number)',
            "queue",
        ),
        ("settlement.service:close_windows", "_complete(site, window)", "log"),
        origin="shops that settle from messages alone",
    ),
    mutant(
        "plan-of-today",
        "A sale is divided by a plan that came after it.",
        ("settlement.books:plain_legs", "plan_of(order.plan)", 'plan_in_force(order.plan.partition("@")[0])'),
        origin="shops that look the commission up again",
        rates=ROUGH | {"replan": 1.0},
    ),
)
