"""Dead letters: looked at, then sent again."""

import json

import pytest

from chalicelib.kit import aws, config


@pytest.fixture
def bury(world):
    def put(queue, body, site="x"):
        url = f"{config.load().queues[queue]}-dead"
        text = body if isinstance(body, str) else json.dumps(body)
        return aws.client("sqs").send_message(QueueUrl=url, MessageBody=text, MessageGroupId=site)[
            "MessageId"
        ]

    return put


def counts(cardmesh):
    return {row["queue"]: (row["dead"], row["waiting"]) for row in cardmesh("dead list --json").rows}


@pytest.fixture
def letter(shop, bury, world):
    """A paid order whose message died."""
    order = shop.place()
    shop.pay(order)
    world.messages("fulfil")
    return order.number, bury("fulfil", {"site": shop.site, "order": order.number, "trace": "t1"})


def test_letters_are_counted_by_queue(cardmesh, letter):
    assert counts(cardmesh)["fulfil"] == (1, 0)
    assert len(counts(cardmesh)) == len(config.QUEUES)


def test_a_letter_is_shown_with_its_order_and_stays_where_it_is(cardmesh, letter):
    number, message = letter
    for _ in range(2):
        (row,) = cardmesh("dead show fulfil --json").rows
        assert (row["message"], row["order"], row["is"], row["trace"]) == (message, number, "paid", "t1")
    assert "Logs Insights, cardmesh/again-and-again" in cardmesh("dead show fulfil").out


def test_a_letter_of_an_order_that_is_not_there_says_so(cardmesh, shop, bury):
    bury("settle", {"site": shop.site, "order": "0" * 28})
    bury("settle", {"site": "zzzz", "order": "1"})
    assert [row["is"] for row in cardmesh("dead show settle --json").rows] == ["unknown", "unknown"]


def test_a_rehearsal_sends_nothing(cardmesh, letter):
    said = cardmesh("dead redrive fulfil --dry-run")
    assert "rehearsal" in said.out
    assert counts(cardmesh)["fulfil"] == (1, 0)


def test_all_are_sent_again_after_a_question_and_the_order_is_delivered(cardmesh, letter, world, shop):
    number, _ = letter
    assert cardmesh("dead redrive fulfil", typed="n\n").code == 3
    said = cardmesh("dead redrive fulfil", typed="y\n")
    assert number in said.out
    assert "1 sent again." in said.out
    assert counts(cardmesh)["fulfil"] == (0, 1)
    world.run("fulfil")
    assert shop.order(number).status == "delivered"


def test_one_alone_is_sent_again(cardmesh, letter, shop, bury):
    _, message = letter
    bury("fulfil", {"site": shop.site, "order": "other"})
    assert cardmesh(f"dead redrive fulfil --message {message} --yes").code == 0
    assert counts(cardmesh)["fulfil"] == (1, 1)


@pytest.mark.parametrize("body", ["junk", "[]", '{"site": 7}'])
def test_what_nobody_can_read_is_shown_and_never_sent(cardmesh, bury, body):
    bury("timer", body)
    said = cardmesh("dead redrive timer --yes")
    assert "1 cannot be read and stay where they are." in said.out
    assert counts(cardmesh)["timer"] == (1, 0)


def test_a_queue_that_is_not_there_is_named_with_those_that_are(cardmesh, world):
    said = cardmesh("dead show parcels")
    assert (said.code, said.wrong.startswith("There is no queue parcels; there are fulfil, ")) == (3, True)
