"""Keys, queues and policies of the simulated cloud."""

import json
from random import Random

import pytest
from botocore.exceptions import ClientError

from chalicelib.kit import queue
from sim import stage as stages
from sim.clockwork import Clockwork, Violation
from sim.faults import Faults
from sim.keys import Keys
from sim.queues import MOST_RECEIVES, SOURCES, Queues
from sim.world import World


def test_a_data_key_opens_with_its_own_context_only():
    keys = Keys(Random(0).randbytes, lambda: 0.0)
    made = keys.call("GenerateDataKeyWithoutPlaintext", {"EncryptionContext": {"site": "aaaa"}})
    asked = {"CiphertextBlob": made["CiphertextBlob"]}
    assert len(keys.call("Decrypt", {**asked, "EncryptionContext": {"site": "aaaa"}})["Plaintext"]) == 32
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        keys.call("Decrypt", {**asked, "EncryptionContext": {"site": "bbbb"}})


def queues(answer):
    time, calls = Clockwork(0, 0.0), []

    def invoke(function, _act):
        calls.append((round(time.now), function))
        return time.spawn(function, answer)

    return time, calls, Queues(time, Faults(time, {}), invoke)


def send(made, delay):
    body = json.dumps({"site": "aaaa"})
    url = "https://sqs.test/cardmesh-fulfil"
    made.call("SendMessage", {"QueueUrl": url, "MessageBody": body, "DelaySeconds": delay})


def test_a_message_comes_after_its_delay_and_goes_when_it_is_done():
    time, calls, made = queues(lambda: {"batchItemFailures": []})
    send(made, 100)
    time.run(5000)
    assert calls == [(100, "deliver_orders")]
    assert not made.letters["fulfil"]


def test_a_failed_message_comes_back_until_it_is_dead():
    time, calls, made = queues(lambda: {"batchItemFailures": [{"itemIdentifier": "fulfil-1"}]})
    send(made, 0)
    time.run(10_000)
    assert len(calls) == MOST_RECEIVES
    assert calls[1][0] - calls[0][0] >= SOURCES["fulfil"].visibility
    assert [name for name, _ in made.dead] == ["fulfil"]


def test_a_call_beyond_a_functions_policy_is_a_violation():
    with stages.opened() as stage:
        world = stage.world = World(stage, 0)
        world.faults.on = False
        world.invoke("walk_sites", lambda: queue.send("refund", site=stage.sites[0]))
        world.invoke("storefront", lambda: queue.send("provision", site=stage.sites[0]))
        with pytest.raises(Violation, match="I9"):
            world.time.run(world.time.now + 10)
        world.time.close()
