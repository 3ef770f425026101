"""Passwords: salted, slow by configuration, and read by the parameters they were made with."""

from chalicelib.kit import config, password


def test_only_the_very_password_matches():
    record = password.hashed("correct horse")
    assert password.matches("correct horse", record)
    assert not password.matches("Correct horse", record)
    assert not password.matches("", record)


def test_the_same_password_makes_another_record_each_time():
    assert password.hashed("correct horse") != password.hashed("correct horse")


def test_a_record_is_fifty_bytes_at_most_and_holds_no_password():
    record = password.hashed("correct horse")
    assert len(record) == 45
    assert b"correct" not in record


def test_a_record_made_at_another_cost_is_still_read(monkeypatch):
    record = password.hashed("correct horse")
    monkeypatch.setenv("HASH_MEMORY_KIB", "128")
    monkeypatch.setenv("HASH_PASSES", "2")
    config.load.cache_clear()
    assert password.matches("correct horse", record)
    assert password.hashed("correct horse")[:5] == (128).to_bytes(4) + b"\x02"
    monkeypatch.undo()
    config.load.cache_clear()


def test_any_letters_make_a_password():
    assert password.matches("密码 🔑 ' OR 1=1", password.hashed("密码 🔑 ' OR 1=1"))


def test_wasting_time_runs_the_very_derivation_a_check_runs(monkeypatch):
    calls = []
    real = password._derive
    monkeypatch.setattr(password, "_derive", lambda *a: calls.append(a[2:]) or real(*a))
    password.matches("x", password.hashed("right"))
    password.waste("x")
    assert calls[0] == calls[1] == calls[2]
