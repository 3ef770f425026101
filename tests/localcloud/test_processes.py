"""Child processes and what is checked before they start."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from localcloud import checks, run
from localcloud.place import Place
from localcloud.processes import Child
from localcloud.terminal import Stopped


def child(folder: Path, programme: str, *, grace: float = 5.0) -> Child:
    command = [sys.executable, "-u", "-c", programme]
    return Child("trial", command, {"PATH": os.environ["PATH"]}, folder / "trial.log", grace=grace)


def gone(pid: int) -> bool:
    """Whether a process is dead, even when nobody has collected it."""
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_a_busy_port_is_one_sentence_that_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Stopped, match=rf"^Port {port} is in use: .*make run PORT=8100.*\.$"):
            checks.ports_free([port], asked=8000)


@pytest.mark.parametrize("port", [0, 80, 65_536, -1])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(Stopped, match="choose one from"):
        checks.ports_free([port], asked=port)


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    place = Place(8000, tmp_path)
    with checks._alone(place), pytest.raises(Stopped, match="Another run uses"):
        checks._alone(place)
    checks._alone(place).close()


def test_a_child_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    stubborn = "import signal,subprocess,sys,time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    stubborn += "print(subprocess.Popen(['sleep', '60']).pid)\nprint('ready')\ntime.sleep(60)"
    hanging = child(tmp_path, stubborn, grace=0.2)
    hanging.start()
    hanging.wait_until(lambda: hanging.said("ready"))
    grandchild = int(hanging.log.read_text().split()[0])
    hanging.stop()
    end = time.monotonic() + 5
    while not gone(grandchild) and time.monotonic() < end:
        time.sleep(0.01)
    assert gone(grandchild)
    assert hanging.status == -signal.SIGKILL


def test_a_child_that_ends_while_starting_is_named_with_its_log(tmp_path: Path) -> None:
    broken = child(tmp_path, "raise SystemExit(3)")
    broken.start()
    with pytest.raises(Stopped, match=r"trial stopped while starting: .*trial\.log says why"):
        broken.wait_until(lambda: False)
    broken.stop()


def test_the_log_before_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    for _ in range(2):
        speaking = child(tmp_path, "import os; print(os.getpid())")
        speaking.start()
        while speaking.alive:
            time.sleep(0.01)
    assert (tmp_path / "trial.log.1").read_text() != (tmp_path / "trial.log").read_text()


def test_only_whole_new_lines_of_a_log_are_news(tmp_path: Path) -> None:
    speaking = child(tmp_path, "print('one\\ntwo\\nthr', end='')")
    speaking.start()
    while speaking.alive:
        time.sleep(0.01)
    assert speaking.news() == ["one", "two"]
    with speaking.log.open("a") as log:
        log.write("ee\n")
    assert speaking.news() == ["three"]
    assert speaking.news() == []


def test_alarms_in_a_log_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    speaking = child(tmp_path, """print('{"message":"web.failed","alarm":true}\\n{"message":"fine"}')""")
    speaking.start()
    while speaking.alive:
        time.sleep(0.01)
    run._alarms(speaking)
    (line,) = capsys.readouterr().out.splitlines()
    assert "alarm: web.failed" in line


def test_what_dies_is_started_once_more_and_then_everything_stops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_WATCH", 0.01)
    with keeping_signals(), run.Watch() as watch:
        cloud = watch.start(child(tmp_path / "cloud", "import time; time.sleep(60)"))
        dying = watch.start(child(tmp_path, "pass"))
        with pytest.raises(Stopped, match="trial stopped unexpectedly"):
            watch.keep()
    assert dying.restarts == 1
    assert "started again" in capsys.readouterr().out
    assert not cloud.alive


def test_a_second_interrupt_does_not_cut_stopping_short(tmp_path: Path) -> None:
    with keeping_signals():
        slow = child(tmp_path, SLOW)
        with pytest.raises(run.Interrupted), run.Watch() as watch:  # noqa: PT012 the signal comes within the block
            watch.start(slow)
            slow.wait_until(lambda: slow.said("ready"))
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
            signal.raise_signal(signal.SIGTERM)
    assert slow.said("bye")


SLOW = """
import signal, sys, time
def end(*_):
    time.sleep(0.4)
    print("bye")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready")
time.sleep(60)
"""


class keeping_signals:  # noqa: N801 reads as a verb
    """Put the signal handlers back."""

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)

    def __enter__(self) -> None:
        self.before = {number: signal.getsignal(number) for number in self.NUMBERS}

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
