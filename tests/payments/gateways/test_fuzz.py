"""A slice of `make fuzz-hooks`, and that it would see a gateway that believes too much."""

import pytest

from chalicelib.payments import gateways
from sandbox import fuzz, tampering
from sandbox import lab as labs

COUNT = 1500
CHANNELS = pytest.mark.parametrize("channel", fuzz.CHANNELS)

pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")  # of certificates that are refused


class Credulous:
    """Believes that every notification is the one it heard first, or none, or falls over."""

    def __init__(self, answer):
        self.answer = answer

    def parse_notify(self, headers, body, *, now):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture(scope="module")
def tallies(keys_folder):
    return {name: fuzz.play(name, keys_folder, 1, range(COUNT)) for name in fuzz.CHANNELS}


@CHANNELS
def test_no_tampered_notification_is_believed(tallies, channel):
    assert [key for key in tallies[channel] if key[0] in {"accepted", "failed"}] == []
    assert tallies[channel].total() == COUNT


@CHANNELS
def test_every_kind_of_tampering_has_its_turn(tallies, channel):
    assert {kind for _, kind, _ in tallies[channel]} == {kind for kind, _ in tampering.KINDS[channel]}


@CHANNELS
def test_only_another_spelling_of_what_was_signed_is_the_same_payment(tallies, channel):
    spelt = {kind for verdict, kind, _ in tallies[channel] if verdict == "same"}
    assert spelt <= {"headers respelt", "form respelt", "body", "header", "value"}
    assert {kind for verdict, kind, _ in tallies[channel] if verdict == "another"} == {"content"}


@CHANNELS
def test_the_same_seed_and_number_make_the_same_mutant(keys_folder, channel):
    lab = fuzz.lab_of(channel, keys_folder)
    kept = [n for n, (kind, _) in enumerate(tampering.KINDS[channel]) if kind != "certificate of another"]
    first = {number: fuzz.mutant(lab, 7, number) for number in kept}
    assert {number: fuzz.mutant(lab, 7, number) for number in reversed(kept)} == first


@CHANNELS
def test_a_gateway_that_believes_is_found_out(keys_folder, channel, monkeypatch):
    lab = fuzz.lab_of(channel, keys_folder)
    tampered = [fuzz.mutant(lab, 1, number) for number in range(len(tampering.KINDS[channel]))]
    unsigned = [each for each in tampered if not each.signed]
    monkeypatch.setattr(lab, "gateway", Credulous(lab.origins[0].told))
    assert "accepted" in {fuzz.judge(lab, each)[0] for each in unsigned}
    monkeypatch.setattr(lab, "gateway", Credulous(KeyError("x")))
    assert fuzz.judge(lab, tampered[0]) == ("failed", "KeyError('x')")


def test_a_summary_counts_what_matters_and_says_how_to_see_it_again():
    tally = fuzz.Tally({("refused", "body", "a probe"): 3, ("accepted", "cut", "(--one 7)"): 1})
    told = "\n".join(fuzz.summary("wechat", tally, seconds=2))
    assert "4 mutants in 2 s, 2 a second" in told
    assert "accepted: cut: (--one 7)" in told


@pytest.mark.parametrize(("channel", "app"), [("wechat", "wxanother"), ("alipay", "2021000000000002")])
def test_a_payment_to_another_application_of_the_merchant_is_refused(keys_folder, channel, app):
    lab = fuzz.lab_of(channel, keys_folder)
    trade = labs.trade_of(channel, 0)
    trade.app = app
    with pytest.raises(gateways.Forged) as refusal:
        lab.gateway.parse_notify(*lab.told(trade, lab.dialect), now=labs.NOW)
    assert refusal.value.reason == "a payment to another application"


def test_what_a_stranger_wrote_is_not_repeated_in_a_log(alipay):
    with pytest.raises(gateways.Forged) as refusal:
        alipay.parse_notify({}, b"x" * 100_000, now=labs.NOW)
    assert refusal.value.reason == "not a form"
