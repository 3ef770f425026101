"""Virtual time, turns, and what belongs to one process alone."""

from types import SimpleNamespace

import pytest

from chalicelib.kit import tenant
from sim.clockwork import Clockwork, Violation
from sim.faults import Faults
from sim.instance import Instance
from sim.lineage import Lineage


def test_processes_take_turns_by_time():
    time, seen = Clockwork(0, 100.0), []

    def work(name, step):
        for _ in range(3):
            time.pause(step)
            seen.append((time.now, name))

    time.spawn("slow", lambda: work("slow", 3))
    time.spawn("quick", lambda: work("quick", 2))
    time.run(200)
    moments = [at for at, _ in seen]
    assert moments == [102, 103, 104, 106, 106, 109]
    assert time.now == 200


def test_the_seed_decides_between_equal_times():
    def order(seed):
        time, seen = Clockwork(seed, 0.0), []
        for name in range(6):
            time.spawn(str(name), lambda name=name: seen.append(name))
        time.run(1)
        return tuple(seen)

    assert order(1) == order(1)
    assert len({order(seed) for seed in range(10)}) > 5


def test_a_process_acts_for_its_own_site_whoever_else_runs_between():
    time, seen = Clockwork(0, 0.0), []

    def work(site):
        with tenant.acting_for(site):
            for _ in range(20):
                time.pause(time.random.random())
                seen.append(tenant.acting() == site)

    def nobody():
        for _ in range(20):
            time.pause(time.random.random())
            with pytest.raises(tenant.ForeignSite):
                tenant.acting()
            seen.append(True)

    for site in ("aaaa", "bbbb", "cccc"):
        time.spawn(site, lambda site=site: work(site))
    time.spawn("nobody", nobody)
    time.run(100)
    assert seen == [True] * 80
    with pytest.raises(tenant.ForeignSite):
        tenant.acting()


def test_whoever_waits_goes_on_when_the_other_ends_or_when_patience_does():
    time, seen = Clockwork(0, 0.0), []
    quick = time.spawn("quick", lambda: time.pause(1))
    slow = time.spawn("slow", lambda: time.pause(60))

    def wait():
        seen.append((time.wait(quick, 10), time.now))
        seen.append((time.wait(slow, 10), time.now))
        seen.append((time.wait(quick, 10), time.now))

    time.spawn("waiter", wait)
    time.run(100)
    assert seen == [(True, 1), (False, 11), (True, 11)]


def test_an_error_ends_its_process_alone_and_a_violation_ends_the_run():
    def fail(error):
        raise error

    time = Clockwork(0, 0.0)
    failed = time.spawn("failed", lambda: fail(ValueError("x")))
    time.run(1)
    assert isinstance(failed.error, ValueError)
    time.spawn("broken", lambda: fail(Violation("y")))
    with pytest.raises(Violation):
        time.run(2)


def test_each_instance_remembers_its_own():
    module = SimpleNamespace(_cache={"before": 1})
    places = [(vars(module), "_cache")]
    ours = Instance.of_this_process(places)
    time, seen = Clockwork(0, 0.0), []

    def work(name):
        module._cache[name] = True
        time.pause(1)
        seen.append(module._cache)

    for name in "ab":
        time.spawn(name, lambda name=name: work(name), instance=Instance(name, places))
    time.run(10)
    assert sorted(map(tuple, seen)) == [("a",), ("b",)]
    ours.recall()
    assert module._cache == {"before": 1}


def test_closing_ends_whoever_still_waits_and_starts_nobody():
    time, seen = Clockwork(0, 0.0), []

    def work():
        try:
            time.pause(50)
            seen.append("went on")
        finally:
            seen.append("ended")

    waits = time.spawn("waits", work)
    late = time.spawn("late", lambda: seen.append("started"), delay=90)
    time.run(10)
    time.close()
    time.run(200)
    assert seen == ["ended"]
    assert (waits.dead, late.dead) == (True, True)


def test_names_tell_where_somebody_comes_from():
    time, seen = Clockwork(0, 0.0), []

    def shop():
        time.spawn("checkout", lambda: seen.append(time.who.name))
        time.pause(1)
        time.spawn("checkout", lambda: seen.append(time.who.name))

    time.spawn("shopper", shop)
    time.spawn("shopper", lambda: seen.append(time.who.name))
    time.run(10)
    assert sorted(seen) == ["shopper-1/checkout-1", "shopper-1/checkout-2", "shopper-2"]


def test_draws_hang_on_seed_and_name_alone():
    def drawn(seed, name):
        who = Lineage(seed, name)
        return who.order, who.random.random(), who.chance("call", 7)

    assert drawn(1, "shopper-1") == drawn(1, "shopper-1")
    assert len({number for seed in range(4) for name in "ab" for number in drawn(seed, name)}) == 24


def test_chances_are_even():
    who = Lineage(5, "somebody")
    drawn = sorted(who.chance("call", n) for n in range(2000))
    assert all(abs(number - n / 2000) < 0.04 for n, number in enumerate(drawn))


def test_a_script_strikes_at_its_points_and_draws_nothing():
    time = Clockwork(0, 0.0)
    rates = {"stall": 0.3, "stale": 0.5}
    drawn = Faults(time, rates)
    struck = [(drawn.of_call(), drawn.strikes("stale", Lineage(0, "a"))) for _ in range(50)]
    points = [n for n, (fault, _) in enumerate(struck) if fault]
    assert 5 < len(points) < 25
    again = Clockwork(0, 0.0)
    played = Faults(again, {}, script={point for point in drawn.struck if point.fault == "stall"})
    assert [n for n in range(50) if played.of_call()] == points
    assert played.count == {"stall": len(points)}
    assert [one.nth for one in played.offered] == list(range(1, 51))


def test_nothing_strikes_when_faults_are_off():
    faults = Faults(Clockwork(0, 0.0), {"stall": 1.0, "stale": 1.0}, on=False)
    assert (faults.of_call(), faults.strikes("stale")) == ("", False)
