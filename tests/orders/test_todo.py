"""What is left to do: noted once, found when due, counted, closed, opened again."""

from chalicelib.kit import table
from chalicelib.orders import todo

ONE, TWO = "A" * 28, "B" * 28


def due(desk, later=0):
    return [(one.number, one.what) for one in todo.due_todos(desk.site, now=desk.world.now + later)]


def note(desk, number=ONE, what="refund", *, wait=0, detail=""):
    todo.add_todo(desk.site, number, what, due=desk.world.now + wait, detail=detail)


def only(desk):
    (one,) = todo.todos_of(desk.site, ONE)
    return one


def test_a_matter_is_found_from_its_second_on(desk):
    note(desk, wait=60)
    assert (due(desk, 59), due(desk, 60)) == ([], [(ONE, "refund")])


def test_noting_an_open_matter_changes_nothing(desk):
    note(desk, detail="first")
    before = only(desk)
    note(desk, wait=99, detail="second")
    assert only(desk) == before
    assert before.detail == "first"


def test_an_orders_matters_are_told_apart_and_from_other_orders(desk):
    note(desk)
    note(desk, what="D#1")
    note(desk, TWO)
    assert {one.what for one in todo.todos_of(desk.site, ONE)} == {"refund", "D#1"}
    assert len(due(desk)) == 3
    assert todo.todos_of(desk.site, ONE[:10]) == []


def test_a_delay_moves_the_matter_and_counts_the_try_once(desk):
    note(desk)
    before = only(desk)
    for _ in range(2):  # the second worker holds the same, older view
        todo.delay_todo(desk.site, before, due=desk.world.now + 60)
    assert (only(desk).tries, only(desk).due) == (1, desk.world.now + 60)
    assert only(desk).noted_at == before.noted_at
    assert due(desk) == []


def test_a_closed_matter_is_done_and_its_row_goes_ninety_days_later(desk):
    note(desk)
    todo.close_todo(desk.site, ONE, "refund", now=desk.world.now)
    todo.close_todo(desk.site, ONE, "refund", now=desk.world.now + 1000)
    assert (due(desk, 9999), todo.todos_of(desk.site, ONE)) == ([], [])
    row = todo.TodoRow.of(desk.site).read("TODO", f"{ONE}#refund")
    assert (row.done_at, row.ttl) == (desk.world.now, desk.world.now + 90 * 86_400)


def test_a_matter_opened_again_begins_anew(desk):
    note(desk)
    todo.delay_todo(desk.site, only(desk), due=1)
    todo.close_todo(desk.site, ONE, "refund", now=desk.world.now)
    note(desk, detail="again")
    assert (only(desk).tries, only(desk).detail, only(desk).due) == (0, "again", desk.world.now)
    assert todo.TodoRow.of(desk.site).read("TODO", f"{ONE}#refund").ttl is None


def test_closing_what_was_never_noted_notes_nothing(desk):
    todo.close_todo(desk.site, ONE, "refund", now=desk.world.now)
    assert todo.TodoRow.of(desk.site).read("TODO", f"{ONE}#refund") is None


def test_whoever_has_an_order_watched_anew_is_given_a_quarter_of_an_hour_again(desk):
    todo.watch(desk.site, ONE, now=desk.world.now)
    todo.watch(desk.site, ONE, now=desk.world.now + 60)
    todo.unwatch(desk.site, ONE, now=desk.world.now + 959)
    assert (due(desk, 959), due(desk, 960)) == ([], [(ONE, "watch")])
    todo.unwatch(desk.site, ONE, now=desk.world.now + 960)
    assert due(desk, 9999) == []
    assert todo.watched(desk.site, since=desk.world.now + 60) == [ONE]
    assert todo.watched(desk.site, since=desk.world.now + 61) == []
    todo.watch(desk.site, ONE, now=desk.world.now)
    assert due(desk, 9999) == [(ONE, "watch")]


def test_matters_by_their_name_are_read_as_they_stand(desk, monkeypatch):
    """A bill's fees follow what was accepted a moment before."""
    real, asked = table.Row.under.__func__, []

    def under(kind, pk, **how):
        asked.append(how.get("consistent"))
        return real(kind, pk, **how)

    monkeypatch.setattr(table.Row, "under", classmethod(under))
    note(desk, what="Dabc")
    assert [one.what for one in todo.todos_named(desk.site, "D", closed=True)] == ["Dabc"]
    assert asked == [True]
