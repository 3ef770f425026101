"""Bugs of the card pool: a code given twice, lost, or shown to the wrong order."""

from .mutant import ROUGH, mutant

_LOOKED_UP = "shops that look up the first unsold rows, then mark them"
_REPEATS = "shops whose release of a hold is no conditional write"

STOCK = (
    mutant(
        "select-then-update",
        "Two shoppers at once are given the same codes.",
        (
            "stock.claims:_advance",
            "    try:\n        done =",
            (
                '    place = {"pk": {"S": f"PTR#{seg}"}, "sk": {"S": "."}}\n'
                "    where = {'TableName': table.name_of(owner), 'Key': place}\n"
                "    row = table.client(owner).get_item(**where, ConsistentRead=True)\n"
                '    at, free = (int(row["Item"][name]["N"]) for name in ("next", "free"))\n'
                "    if free < count:\n"
                '        return row["Item"]\n'
                "    try:\n        done ="
            ),
        ),
        (
            "stock.claims:_advance",
            "#s = #next, #k = :k, #next = #next + :k, #free = #free - :k",
            "#s = :s, #k = :k, #next = :n, #free = :f",
        ),
        (
            "stock.claims:_advance",
            '":k": {"N": str(count)}}',
            (
                '":k": {"N": str(count)}, ":s": {"N": str(at)}, ":n": {"N": str(at + count)},'
                ' ":f": {"N": str(free - count)}}'
            ),
        ),
        origin=_LOOKED_UP,
    ),
    mutant(
        "take-without-asking-what-is-left",
        "More codes are sold than there are.",
        ("stock.claims:_advance", "#free >= :k AND (", "("),
        origin="shops that sum up the stock before they sell and lock nothing",
    ),
    mutant(
        "retry-without-ring",
        "A claim whose answer was lost takes its codes again; the first ones are missing for days.",
        ("stock.claims:_advance", " AND (attribute_not_exists(#o) OR #o <> :o)", ""),
        origin="shops that send a lost call once more and trust that it had no effect",
        rates=ROUGH | {"lost_answer": 0.05},
    ),
    mutant(
        "short-is-enough",
        "A shopper pays for three codes and gets the one that was left.",
        ("stock.claims:claim", "short = _count(taken) < quantity", "short = not taken"),
        origin="shops that mark an order delivered when any code was found",
    ),
    mutant(
        "return-without-condition",
        "Codes that came back are sold twice: the repeat forgets that they were sold again.",
        ("stock.claims:put_back", "row.insert()", "row.save()"),
        origin=_REPEATS,
    ),
    mutant(
        "return-under-a-new-name",
        "Codes that came back are sold twice: every repeat of the return counts.",
        ("stock.claims:put_back", "{at:010}#{one.seg}", "{ids.token(10)}#{one.seg}"),
        origin=_REPEATS,
    ),
    mutant(
        "fold-without-condition",
        "Codes that came back are sold twice: two functions put them on sale.",
        (
            "stock.claims:commit_fold",
            "condition=rows.folded.does_not_exist() & rows.pk.exists()",
            "condition=rows.pk.exists()",
        ),
        ("stock.claims:commit_fold", "condition=skus.rev == int(before.rev)", "condition=skus.pk.exists()"),
        (
            "stock.claims:_fold",
            'hashlib.sha256("|".join(back.sk for back in backs).encode()).digest()',
            "ids.draw(16)",
        ),
        origin=_REPEATS,
    ),
    mutant(
        "fold-again",
        "Codes that came back are sold twice: they are never marked as on sale.",
        ("stock.claims:commit_fold", "rows.folded.set(seg), ", ""),
        (
            "stock.claims:_fold",
            'hashlib.sha256("|".join(back.sk for back in backs).encode()).digest()',
            "ids.draw(16)",
        ),
        origin=_REPEATS,
    ),
    mutant(
        "fold-forgets-the-others",
        "Codes are in the pool and nobody can buy them: the list of what is on sale lost an entry.",
        ("stock.claims:commit_fold", "condition=skus.rev == int(before.rev)", "condition=skus.pk.exists()"),
        ("stock.claims:commit_fold", "skus.segs.set([*alive, seg])", "skus.segs.set([seg])"),
        origin="shops that write back a list they read before",
    ),
    mutant(
        "sold-out-for-ever",
        "Codes came back, and shoppers are told that nothing is left.",
        ("stock.claims:_segments_of", "if not known or (owner", "if (owner"),
        origin="shops whose cached stock nobody clears",
    ),
    mutant(
        "sold-out-by-an-old-read",
        "Codes came back, and shoppers are told that nothing is left.",
        (
            "stock.claims:_segments_of",
            '.read(f"SKU#{sku}", ".")',
            '.read(f"SKU#{sku}", ".", consistent=False)',
        ),
        origin="shops that decide on a replica",
        rates=ROUGH | {"stale": 0.6},
    ),
    mutant(
        "wrong-original",
        "Two shoppers hold the same codes: returned positions are looked up from the start of their range.",
        ("stock.rules:originals", "one.start + first - at", "one.start"),
        origin="an index that is off",
    ),
    mutant(
        "last-chunk-missing",
        "A shopper pays for codes at the edge of two blocks and gets fewer.",
        ("stock.rules:chunks_of", "wanted.end, CHUNK", "wanted.end - 1, CHUNK"),
        origin="an index that is off by one",
    ),
    mutant(
        "last-of-a-chunk-missing",
        "A shopper pays for codes at the edge of two blocks and gets fewer.",
        ("stock.service:read_codes", "one.end))", "one.end, first + 24))"),
        origin="an index that is off by one",
    ),
    mutant(
        "wrong-index",
        "A shopper is shown the codes of another.",
        ("stock.service:read_codes", "[position - first]", "[position - max(first, one.start)]"),
        origin="an index that is off",
    ),
    mutant(
        "whole-chunk-shown",
        "A shopper is shown the codes of whoever came before, out of the same block.",
        ("stock.service:read_codes", "range(max(first, one.start), ", "range(first, "),
        origin="shops that answer with the row that holds what was asked for",
    ),
    mutant(
        "repeat-returns-what-the-order-holds",
        "A code is delivered and sold again: the shopper posted twice.",
        (
            "checkout.placing:_put",
            "[one for one in ranges if one not in before.order.ranges]",
            "list(ranges)",
        ),
        origin="shops that undo a failed insert without looking at what stands",
        rates=ROUGH | {"lost_answer": 0.05},
    ),
    mutant(
        "audit-looks-back-a-day",
        "Delivered codes are sold again: the audit takes older orders for nobody's.",
        (
            "checkout.auditing:audit",
            "min(check.since for check in checks.values()) - rules.CLAIM_WITHIN - 2 * clock.DAY",
            "now",
        ),
        origin="clean-up jobs whose window is shorter than what they judge",
    ),
    mutant(
        "audit-forgets-what-came-back",
        "Codes that came back are sold twice: the audit returns them once more.",
        ("stock.audit:finish", "if back.seg == check.seg:", "if not back.seg:"),
        origin="clean-up jobs that know one of two places",
    ),
    mutant(
        "audit-only-counts",
        "Codes of functions that died are never sold.",
        ("stock.audit:finish", 'claims.give_back(owner, check.sku, burnt, why="burnt", at=now)', "pass"),
        origin="shops where an orphaned hold is never released",
        rates=ROUGH | {"kill_after": 0.03},
    ),
    mutant(
        "codes-taken-by-no-order-are-kept",
        "Nobody can buy codes of which a shopper wanted more than were left.",
        ("stock.claims:claim", 'give_back(owner, sku, taken, why="short", at=now)', "pass"),
        ("stock.audit:finish", 'claims.give_back(owner, check.sku, burnt, why="burnt", at=now)', "pass"),
        origin="shops where an orphaned hold is never released",
    ),
    mutant(
        "import-repeated",
        "Codes are in the pool twice: the answer was lost and the import was repeated.",
        (
            "stock.service:_import",
            "known = _known_marks(owner, sku, frozenset(marks)) if marks else set()",
            "known: set[bytes] = set()",
        ),
        origin="shops that notice duplicates within a file only",
        rates=ROUGH | {"restock": 1.0, "double_click": 1.0, "kill_after": 0.08},
    ),
    mutant(
        "returned-rows-expire",
        "Codes that came back are gone before anybody bought them.",
        ("stock.claims:put_back", "why=why,", "why=why, ttl=at + 3600,"),
        origin="caches that hold what stands nowhere else",
    ),
)
