"""Token buckets: so many at once, evenly refilled, one bucket per key."""

import pytest

from chalicelib.kit import clock, errors, throttle


@pytest.fixture
def time(monkeypatch):
    """A clock that stands where it is put."""
    stands = {"at": 1000}
    monkeypatch.setattr(clock, "source", lambda: stands["at"])
    return stands


def taken(bucket, key, tries):
    done = 0
    for _ in range(tries):
        try:
            bucket.take(key)
        except errors.TooMany:
            continue
        done += 1
    return done


def test_a_full_bucket_gives_its_size_and_then_refuses(time):
    assert taken(throttle.Bucket(size=10, seconds=600), "k", 15) == 10


def test_it_refills_evenly_and_never_beyond_its_size(time):
    bucket = throttle.Bucket(size=10, seconds=600)
    taken(bucket, "k", 10)
    time["at"] += 59
    assert taken(bucket, "k", 1) == 0
    time["at"] += 1
    assert taken(bucket, "k", 2) == 1
    time["at"] += 10**6
    assert taken(bucket, "k", 20) == 10


def test_a_refusal_says_when_to_come_again_and_that_is_true(time):
    bucket = throttle.Bucket(size=2, seconds=60)
    bucket.take("k", 2)
    with pytest.raises(errors.TooMany) as refused:
        bucket.take("k")
    wait = refused.value.detail["retry_after"]
    assert 30 <= wait <= 31
    time["at"] += wait
    bucket.take("k")


def test_looking_whether_it_is_empty_takes_nothing(time):
    bucket = throttle.Bucket(size=1, seconds=60)
    assert not any(bucket.empty("k") for _ in range(5))
    bucket.take("k")
    assert bucket.empty("k")


def test_keys_do_not_share_a_bucket(time):
    bucket = throttle.Bucket(size=1, seconds=60)
    bucket.take("a")
    bucket.take("b")


def test_only_the_last_keys_are_remembered(time):
    bucket = throttle.Bucket(size=1, seconds=60, remember=2)
    for key in "abc":
        bucket.take(key)
    assert not bucket.empty("a")
    assert bucket.empty("b")
    assert bucket.empty("c")
