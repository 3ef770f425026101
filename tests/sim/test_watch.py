"""The eyes and ears of the simulation: each notices what it is there for."""

from types import SimpleNamespace

import pytest

from chalicelib.kit.errors import ShopError
from sim import ears
from sim.channel import Trade
from sim.clockwork import Clockwork, Violation
from sim.dynamo.database import Database
from sim.faults import Faults
from sim.functions import Functions
from sim.queues import Queues
from sim.watch import Watch

KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
NAMES = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]


@pytest.fixture
def write():
    """Store a row as a call would, and let the watch look at it."""
    database = Database()
    database.create_table(
        TableName="t", KeySchema=KEYS, AttributeDefinitions=NAMES, BillingMode="PAY_PER_REQUEST"
    )
    trades = {"n101": Trade(5), "n201": Trade(5, "closed", closed=True)}
    watch = Watch(database, {"wechat": SimpleNamespace(trades=trades)}, lambda: 5000.0)

    def put(pk, sk=".", **fields):
        numbers = {name: {"N": str(value)} for name, value in fields.items() if isinstance(value, int)}
        texts = {name: {"S": value} for name, value in fields.items() if isinstance(value, str)}
        given = {"TableName": "t", "Item": {"pk": {"S": pk}, "sk": {"S": sk}, **numbers, **texts}}
        database.call("PutItem", given)
        watch.after("PutItem", given)

    return put


POINTER = {"sku": "g1", "next": 3, "free": 7, "len": 10}
BROKEN = {
    "I8: n1 went": [("O#1", "n1", {"st": "pending"}), ("O#1", "n1", {"st": "delivered"})],
    "I8: n1 was given": [
        ("O#1", "n1", {"st": "paid", "r": "s:0:1"}),
        ("O#1", "n1", {"st": "delivered", "r": "s:1:1"}),
    ],
    "I8: n1 was delivered twice": [
        ("O#1", "n1", {"st": "pending"}),
        ("O#1", "n1", {"st": "paid"}),
        ("O#1", "n1", {"st": "delivered", "y": "a"}),
        ("O#1", "n1", {"st": "delivered", "y": "b"}),
    ],
    "I8: n2 expired too early": [
        ("O#1", "n2", {"st": "pending"}),
        ("O#1", "n2", {"st": "expired", "te": 6000}),
    ],
    "I8: n1 expired and its trade": [
        ("O#1", "n1", {"st": "pending"}),
        ("O#1", "n1", {"st": "expired", "te": 5000}),
    ],
    "I3: one claim took": [
        ("PTR#s", ".", POINTER | {"o1": "a", "s1": 0}),
        ("PTR#s", ".", POINTER | {"next": 4, "free": 6, "o1": "a", "s1": 3}),
    ],
    "I2": [("O#1", "n1", {"st": "pending", "r": "s:0:2"}), ("O#1", "n2", {"st": "pending", "r": "s:1:1"})],
    "I3: .* holds": [
        ("BACK#g1", "a", {"seg": "s", "start": 0, "size": 1}),
        ("O#1", "n1", {"st": "pending", "r": "s:0:1"}),
    ],
    "I3: .* went back while": [
        ("O#1", "n1", {"st": "pending", "r": "s:0:1"}),
        ("BACK#g1", "a", {"seg": "s", "start": 0, "size": 1}),
    ],
    "I3: PTR#s is at": [("PTR#s", ".", POINTER | {"free": 8})],
    "I3: PTR#s went back": [("PTR#s", ".", POINTER), ("PTR#s", ".", POINTER | {"next": 2, "free": 8})],
    "I16": [
        ("O#1", "n1", {"st": "pending", "r": "s:0:1"}),
        ("O#1", "n1", {"st": "paid", "r": "s:0:1"}),
        ("O#1", "n1", {"st": "delivered", "r": "s:0:1"}),
        ("O#1", "n1", {"st": "refunding", "r": "s:0:1", "rn": 1}),
        ("O#1", "n1", {"st": "refunded", "r": "s:0:1", "rn": 1}),
        ("BACK#g1", "a", {"seg": "s", "start": 0, "size": 1}),
    ],
    "I4": [("J#1", "n1#sale", {"legs": "[]"}), ("J#1", "n1#sale", {"legs": "[[]]"})],
    "I11": [("ACC#aaaa", ".", {"available": -101})],
    "I11: .*bbbb": [("ACC#bbbb", ".", {"available": 0, "transit": -1})],
    "TTL: .*O#1": [("O#1", "n1", {"st": "pending", "ttl": 5})],
    "TTL: .*TODO": [("TODO", "n1#refund", {"ttl": 5})],
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_write_that_must_not_be_is_a_violation(write, broken):
    *before, (pk, sk, fields) = BROKEN[broken]
    if "given" in broken:
        before = [("O#1", "n1", {"st": "pending", "r": "s:0:1"}), *before]
    for place, name, row in before:
        write(place, name, **row)
    with pytest.raises(Violation, match=broken):
        write(pk, sk, **fields)


def test_what_an_order_may_do_is_no_violation(write):
    write("O#1", "n1", st="pending", r="s:0:1")
    write("O#1", "n1", st="expired", r="s:0:1", te=1000)
    write("BACK#g1", "a", seg="s", start=0, size=1)
    write("BACK#g1", "a", seg="s", start=0, size=1, folded="r1", ttl=5)
    write("O#1", "n1", st="paid")
    write("O#1", "n1", st="delivered", r="r1:0:1")
    write("J#1", "n1#sale", legs="[]")
    write("J#1", "n1#sale", legs="[]")
    write("SESSION#1", ttl=5)
    write("J#1", "n1#R2", legs='[["subsite:s:pending", 900], ["main:sales", 7]]')
    write("ACC#s", available=-1000)


def test_secrets_are_heard_in_log_lines_and_in_the_errors_they_tell_of():
    heard = ears.Logger()
    heard.info("orders.moved", extra={"order": "n1"})
    with pytest.raises(Violation, match="I10: a log line"):
        heard.info("orders.moved", extra={"contact": f"{ears.PRIVATE}@example.com"})
    try:
        raise ValueError(f"{ears.SECRET}1")
    except ValueError:
        heard.error("worker.failed", extra={})
        with pytest.raises(Violation, match="I10: a log line"):
            heard.error("worker.failed", extra={}, exc_info=True)


def test_secrets_are_heard_in_answers_and_messages():
    time = Clockwork(0, 0.0)
    functions = Functions(time, Faults(time, {}), ())

    def refuse():
        raise ShopError("No.", contact=ears.PRIVATE)

    functions.invoke("checkout", refuse)
    with pytest.raises(Violation, match="I10: an answer"):
        time.run(10)
    queues = Queues(time, Faults(time, {}), functions.invoke)
    sent = {"QueueUrl": "https://sqs.test/cardmesh-timer", "MessageBody": f'{{"code": "{ears.SECRET}1"}}'}
    with pytest.raises(Violation, match="I10: a message to timer"):
        queues.call("SendMessage", sent)
