"""Giving positions out and taking them back.

A claim is one conditional update: the ring slot, the new `next` and the new `free` are set from the values before
the update, so any number of shoppers at once get different positions without a conflict. A claim carries the name
of this very attempt; when its answer is lost, asking again finds the same range in the ring. `free` only falls,
so a segment seen empty stays empty and is never written to again.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kit import errors, ids, log, table, tenant

from .model import BackRow, MapRow, PointerRow, SkuRow
from .rules import MOST_RANGES, RING, Range, SoldOut, originals

_KEEP_BACK = 30 * 86_400  # seconds a folded row stays, so that a late repeat cannot return its range again
_FOLD_AT_ONCE = 45  # ranges; each costs a place in a transaction of at most 100

_segments: dict[tuple[str, str], list[str]] = {}
_free: dict[tuple[str, str], int] = {}  # of segments when last seen; it only falls, so at 0 they are dead
_sold_out: dict[tuple[str, str], int] = {}  # the second in which nothing was left, good for all of it


def claim(owner: str, sku: str, quantity: int, *, now: int) -> tuple[Range, ...]:
    """Take positions of a SKU for good. Raises SoldOut with everything given back.

    Two shoppers who want several pieces each may take the last ones in halves and both fall short, and pieces come
    back behind somebody who looks at one place after the other; so a shortage is believed only when it shows again
    after everything was given back. Pieces scattered over more segments than an order can name are given back too:
    that empties those segments, so a later try finds fewer and larger ones.
    Raises NotReady where what came back is being folded at this moment.
    """
    if _sold_out.get((owner, sku)) == now:
        raise SoldOut(left=0)
    shortages = 0
    while shortages < 2:
        taken = _gather(owner, sku, quantity, ids.token(16), now)
        short = _count(taken) < quantity
        if not short and len(taken) <= MOST_RANGES:
            # Before anybody is shown them: a table that is restored to before now would give them again.
            told = {"owner": owner, "sku": sku, "site": tenant.named()}
            log.event("stock.claimed", **told, ranges=" ".join(map(str, taken)))
            return tuple(taken)
        give_back(owner, sku, taken, why="short", at=now)
        if taken:
            fold(owner, sku, now=now)
        shortages += short
    if not taken:
        _sold_out[owner, sku] = now
    raise SoldOut(left=_count(taken))


def give_back(owner: str, sku: str, ranges: Iterable[Range], *, why: str, at: int) -> None:
    """Return ranges that were never shown to anybody; they are sold again once they are folded.

    `at` is fixed per order, so a repeat changes nothing.
    """
    for one in ranges:
        put_back(owner, sku, one, why, at)
        restocked(owner, sku)


def fold(owner: str, sku: str, *, now: int) -> bool:
    """Make one new segment of returned ranges; whether there is something new to claim."""
    try:
        return _fold(owner, sku, now)
    except table.Refused:
        log.event("stock.fold_raced", sku=sku)
        return True


def restocked(owner: str, sku: str) -> None:
    """There is something to claim again."""
    _sold_out.pop((owner, sku), None)


def resolve(owner: str, ranges: Iterable[Range]) -> list[Range]:
    """Original ranges, which chunks hold; returned positions are looked up in their segment's map."""
    found: list[Range] = []
    for one in ranges:
        if one.seg.startswith("r"):
            row = MapRow.of(owner).read(f"PTR#{one.seg}", "map", consistent=False) or _map(owner, one.seg)
            found += originals([Range(*entry) for entry in row.ranges], one)
        else:
            found.append(one)
    return found


def level(owner: str, sku: str) -> int:
    """Free positions of one SKU, read now."""
    segs = _segments_of(owner, sku, known=False)
    rows = PointerRow.of(owner).read_many((f"PTR#{seg}", ".") for seg in segs)
    return sum(int(row.free) for row in rows)


def forget() -> None:
    """Drop what this instance remembers of segments."""
    _segments.clear()
    _free.clear()
    _sold_out.clear()


def _gather(owner: str, sku: str, quantity: int, attempt: str, now: int) -> list[Range]:
    """Positions from the segments remembered, then from those read anew, returned ranges among them.

    The returned ranges come first: what another instance folds after we looked for them is in the list read next.
    """
    taken: list[Range] = []
    _take(owner, _segments_of(owner, sku, known=True), quantity, attempt, taken)
    if _count(taken) < quantity:
        _restock(owner, sku, quantity, attempt, taken, now)
    return taken


def _restock(owner: str, sku: str, quantity: int, attempt: str, taken: list[Range], now: int) -> None:
    """Fold what came back and take the rest; whoever meets another fold under way cannot tell what is left."""
    raced = False
    try:
        _fold(owner, sku, now)
    except table.Refused:
        raced = True
    _take(owner, _segments_of(owner, sku, known=False), quantity, attempt, taken)
    if raced and _count(taken) < quantity:
        give_back(owner, sku, taken, why="raced", at=now)
        log.event("stock.fold_raced", sku=sku)
        raise errors.NotReady


def _take(owner: str, segs: Sequence[str], quantity: int, attempt: str, taken: list[Range]) -> None:
    need = quantity - _count(taken)
    for seg in _order(list(segs), attempt):
        if got := _claim_in(owner, seg, need, attempt):
            taken.append(got)
            need -= got.count
        if need == 0:
            return


def _claim_in(owner: str, seg: str, most: int, attempt: str) -> Range | None:
    """Up to `most` positions of one segment; None when it is empty."""
    i = int.from_bytes(hashlib.sha256(attempt.encode()).digest()[:2]) % RING
    while free := _free.get((owner, seg), most):
        stands = _advance(owner, seg, min(most, free), attempt, i)
        _free[owner, seg] = int(stands["free"]["N"]) if stands else 0
        if stands.get(f"o{i}", {}).get("S") == attempt:
            # By this call or by one that the SDK repeated, because its answer was lost.
            return Range(seg, int(stands[f"s{i}"]["N"]), int(stands[f"k{i}"]["N"]))
    return None


def _advance(owner: str, seg: str, count: int, attempt: str, i: int) -> dict[str, Any]:
    """Move the pointer by `count`, if it has as many; what stands there then."""
    names = {"#o": f"o{i}", "#s": f"s{i}", "#k": f"k{i}", "#next": "next", "#free": "free"}
    try:
        done = table.client(owner).update_item(
            TableName=table.name_of(owner),
            Key={"pk": {"S": f"PTR#{seg}"}, "sk": {"S": "."}},
            UpdateExpression="SET #o = :o, #s = #next, #k = :k, #next = #next + :k, #free = #free - :k",
            ConditionExpression="#free >= :k AND (attribute_not_exists(#o) OR #o <> :o)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":o": {"S": attempt}, ":k": {"N": str(count)}},
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return dict(done["Attributes"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        stood: dict[str, Any] = dict(error.response).get("Item") or {}  # type: ignore[assignment]
        return stood


def _segments_of(owner: str, sku: str, *, known: bool) -> list[str]:
    """The SKU's live segments, oldest first; `known` accepts what this instance remembers."""
    if not known or (owner, sku) not in _segments:
        row = SkuRow.of(owner).read(f"SKU#{sku}", ".")
        _segments[owner, sku] = list(row.segs) if row else []
    segs = _segments[owner, sku]
    while segs and _free.get((owner, segs[0])) == 0:  # they die in this order, or almost
        del segs[0]
    return segs


def _order(segs: list[str], attempt: str) -> list[str]:
    """Oldest import first; among the parallel segments of one import each shopper starts elsewhere."""
    if len(segs) < 2 or not segs[1].startswith(segs[0][:-1]):
        return segs
    front = list(takewhile(lambda seg: seg[:-1] == segs[0][:-1], segs))
    turn = int.from_bytes(hashlib.sha256(attempt.encode()).digest()[2:4]) % len(front)
    return front[turn:] + front[:turn] + segs[len(front) :]


def put_back(owner: str, sku: str, one: Range, why: str, at: int) -> None:
    """Note one returned range; repeating it changes nothing."""
    row = BackRow.of(owner)(
        f"BACK#{sku}",
        f"{at:010}#{one.seg}#{one.start:012}",
        seg=one.seg,
        start=one.start,
        size=one.count,
        why=why,
    )
    try:
        row.insert()
    except table.Refused:
        return


def _fold(owner: str, sku: str, now: int) -> bool:
    """Fold, if there is anything to. Raises table.Refused when another run was faster or is at it."""
    backs = _unfolded(owner, sku)
    pool = SkuRow.of(owner).read(f"SKU#{sku}", ".") if backs else None
    if pool is None:
        return False
    restocked(owner, sku)
    ranges = [one for back in backs for one in resolve(owner, [_range(back)])]
    seg = "r" + ids.base32(hashlib.sha256("|".join(back.sk for back in backs).encode()).digest(), 11)
    commit_fold(owner, pool, seg, ranges, backs, now)
    return True


def _unfolded(owner: str, sku: str) -> list[BackRow]:
    rows = BackRow.of(owner)
    open_ = rows.folded.does_not_exist()
    found = rows.under(f"BACK#{sku}", only=open_, consistent=True)
    return [row for row, _ in zip(found, range(_FOLD_AT_ONCE), strict=False)]


def commit_fold(
    owner: str, before: SkuRow, seg: str, ranges: Sequence[Range], backs: Sequence[BackRow], now: int
) -> None:
    """Make a segment of returned ranges, and mark these as gone into it. Raises table.Refused."""
    pointers, maps = PointerRow.of(owner), MapRow.of(owner)
    skus, rows = SkuRow.of(owner), BackRow.of(owner)
    sku = before.pk.removeprefix("SKU#")
    total = _count(ranges)
    alive = _alive(owner, before.segs)
    told = " ".join(map(str, ranges)), " ".join(f"{back.sk}#{back.size}" for back in backs)
    log.event("stock.folding", owner=owner, sku=sku, segment=seg, ranges=told[0], backs=told[1])
    with table.Together(owner, "") as write:
        write.save(
            pointers(f"PTR#{seg}", ".", next=0, free=total, len=total, sku=sku, born=now),
            condition=pointers.pk.does_not_exist(),
        )
        write.save(
            maps(f"PTR#{seg}", "map", ranges=[[r.seg, r.start, r.count] for r in ranges]),
            condition=maps.pk.does_not_exist(),
        )
        write.update(
            skus(f"SKU#{sku}", "."),
            [skus.segs.set([*alive, seg]), skus.rev.set(int(before.rev) + 1)],
            condition=skus.rev == int(before.rev),
        )
        for back in backs:
            write.update(
                rows(back.pk, back.sk),
                [rows.folded.set(seg), rows.ttl.set(now + _KEEP_BACK)],
                condition=rows.folded.does_not_exist() & rows.pk.exists(),
            )


def _alive(owner: str, segs: Sequence[str]) -> list[str]:
    """The segments that are not empty; an empty one stays empty, so an old read is as good as a new one."""
    rows = PointerRow.of(owner).read_many(((f"PTR#{seg}", ".") for seg in segs), consistent=False)
    empty = {row.pk.removeprefix("PTR#") for row in rows if int(row.free) == 0}
    return [seg for seg in segs if seg not in empty]


def _map(owner: str, seg: str) -> MapRow:
    row = MapRow.of(owner).read(f"PTR#{seg}", "map")
    if row is None:
        raise LookupError(f"segment {seg} has no map")
    return row


def _range(back: BackRow) -> Range:
    return Range(back.seg, int(back.start), int(back.size))


def _count(ranges: Iterable[Range]) -> int:
    return sum(one.count for one in ranges)
