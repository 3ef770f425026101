"""Keys, queues, policies, functions and weather of the simulated cloud."""

import json
from random import Random

import pytest
from botocore.exceptions import ClientError

from chalicelib.kit import queue
from sim import stage as stages
from sim.clockwork import Clockwork, Violation
from sim.cloud import Network
from sim.faults import Faults
from sim.functions import Functions
from sim.keys import Keys
from sim.queues import JUNK, MOST_RECEIVES, SOURCES, Queues
from sim.trace import Trace
from sim.weather import Weather
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


def test_junk_dies_without_holding_up_the_others_of_its_batch_and_is_put_back_by_an_operator():
    time, calls, made = queues(lambda: {"batchItemFailures": [{"itemIdentifier": "fulfil-1"}]})
    made.post("fulfil", JUNK[0])
    send(made, 0)
    time.run(10_000)
    assert [letter.body for _, letter in made.dead] == [JUNK[0]]
    assert not made.letters["fulfil"]
    assert len(calls) == MOST_RECEIVES
    made.redrive()
    time.run(20_000)
    assert len(calls) == 2 * MOST_RECEIVES


def functions(rates):
    time = Clockwork(0, 0.0)
    faults = Faults(time, rates)
    made = Functions(time, faults, ())
    weather = Weather(time, faults, made)
    return time, made, weather, Network(time, faults, Trace(keep=True), weather.turns_away)


def test_a_function_dies_at_its_timeout_unless_its_machine_slept():
    def process(rates):
        time, made, _, network = functions({"stall": 1.0} | rates)
        network.faults.size = 0.99
        started = made.invoke("checkout", lambda: network.travel("x", lambda: None))
        time.run(2000)
        return started.dead, made.timed_out

    assert process({}) == (True, 1)
    assert process({"overrun": 1.0}) == (False, 0)


def test_a_late_request_has_its_effect_after_its_sender_gave_up():
    time, made, _, network = functions({"late_request": 1.0})
    network.faults.size, seen = 0.5, []
    process = made.invoke("checkout", lambda: network.travel("x", lambda: seen.append(time.now)))
    time.run(10)
    assert (process.answer, seen) == (("late_request", None), [])
    time.run(100)
    assert len(seen) == 1


def test_bad_weather_turns_calls_away_for_a_while():
    time, made, weather, network = functions({"kms_down": 1.0})
    weather.expect(0, 1)
    time.run(100)

    def call(what):
        return made.invoke("checkout", lambda: network.travel(what, lambda: "done"))

    fails, works = call("kms.Decrypt"), call("sqs.SendMessage timer")
    time.run(110)
    assert (fails.answer[0], works.answer[1]) == ("throttle", "done")
    time.run(4000)
    later = call("kms.Decrypt")
    time.run(4010)
    assert later.answer[1] == "done"


def test_a_release_replaces_every_instance_and_a_broken_one_fails_at_once():
    time, made, _, _ = functions({})
    first = made.invoke("checkout", lambda: None)
    time.run(1)
    second = made.invoke("checkout", lambda: time.pause(5))
    assert second.instance is first.instance
    time.run(2)
    made.release()
    time.run(10)
    third = made.invoke("checkout", lambda: None)
    assert third.instance is not first.instance
    made.broken.add("checkout")
    fourth = made.invoke("checkout", lambda: None)
    time.run(20)
    assert isinstance(fourth.error, ImportError)


def test_a_call_beyond_a_functions_policy_is_a_violation():
    with stages.opened() as stage:
        world = stage.world = World(stage, 0)
        world.faults.on = False
        world.functions.invoke("walk_sites", lambda: queue.send("refund", site=stage.sites[0]))
        world.functions.invoke("storefront", lambda: queue.send("provision", site=stage.sites[0]))
        with pytest.raises(Violation, match="I9"):
            world.time.run(world.time.now + 10)
        world.time.close()
