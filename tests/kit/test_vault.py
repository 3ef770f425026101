"""The vault: what is sealed for one owner and place opens there and nowhere else."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.kit import aws, config, table, tenant, vault
from tests import make

few = settings(max_examples=40, deadline=None)


@pytest.fixture
def two(cloud):
    """Two sites with tables and keys of their own."""
    return make.make_owner(), make.make_owner()


@pytest.fixture
def kms(monkeypatch, cloud):
    """The calls of KMS's Decrypt, counted."""
    client, calls = aws.client("kms"), []
    real = client.decrypt
    monkeypatch.setattr(client, "decrypt", lambda **call: calls.append(call) or real(**call))
    return calls


@few
@given(plain=st.binary(max_size=200), place=st.text(max_size=20))
def test_what_was_sealed_opens_at_its_place(cloud, plain, place):
    assert vault.unseal(tenant.MAIN, vault.seal(tenant.MAIN, plain, place), place) == plain


@few
@given(place=st.text(max_size=20), elsewhere=st.text(max_size=20))
def test_it_opens_at_no_other_place(cloud, place, elsewhere):
    sealed = vault.seal(tenant.MAIN, b"code", place)
    if place != elsewhere:
        with pytest.raises(vault.Unreadable):
            vault.unseal(tenant.MAIN, sealed, elsewhere)


@few
@given(data=st.data())
def test_a_changed_byte_anywhere_makes_it_unreadable(cloud, data):
    sealed = bytearray(vault.seal(tenant.MAIN, b"code", "here"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(vault.Unreadable):
        vault.unseal(tenant.MAIN, bytes(sealed), "here")


@pytest.mark.parametrize("length", [0, 1, 12, 13, 20])
def test_a_text_cut_short_is_unreadable(cloud, length):
    sealed = vault.seal(tenant.MAIN, b"code", "here")[:length]
    with pytest.raises(vault.Unreadable):
        vault.unseal(tenant.MAIN, sealed, "here")


def test_the_same_text_is_sealed_differently_each_time_and_never_in_the_clear(cloud):
    one, other = (vault.seal(tenant.MAIN, b"SECRET-CODE", "here") for _ in range(2))
    assert one != other
    assert b"SECRET" not in one + other


def test_another_owners_key_opens_nothing(two):
    site, other = two
    with tenant.acting_for(site):
        sealed = vault.seal(site, b"code", "here")
    with tenant.acting_for(other), pytest.raises(vault.Unreadable):
        vault.unseal(other, sealed, "here")


def test_a_text_is_bound_to_its_owner_and_not_to_the_key_alone(two):
    site, other = two
    with tenant.acting_for(site):
        sealed = vault.seal(site, b"code", "here")
        vault._keys[other] = vault._keys[site]
    with tenant.acting_for(other), pytest.raises(vault.Unreadable):
        vault.unseal(other, sealed, "here")


def test_a_key_in_memory_serves_only_whoever_acts_for_its_site(two):
    site, other = two
    with tenant.acting_for(site):
        sealed = vault.seal(site, b"code", "here")
    with tenant.acting_for(other), pytest.raises(tenant.ForeignSite):
        vault.unseal(site, sealed, "here")


def test_a_wrapped_key_moved_to_another_site_is_of_no_use_there(two):
    site, other = two
    with tenant.acting_for(site):
        stolen = vault.WrappedKey.of(site).read(f"KEY#{site}", "1").wrapped
    with tenant.acting_for(other):
        rows = vault.WrappedKey.of(other)
        rows.change(f"KEY#{other}", "1", [rows.wrapped.set(stolen)], None)
        with pytest.raises(ClientError):
            vault.seal(other, b"code", "here")


def test_a_second_key_is_never_made(cloud):
    sealed = vault.seal(tenant.MAIN, b"code", "here")
    vault.make_key(tenant.MAIN)
    vault.forget()
    assert vault.unseal(tenant.MAIN, sealed, "here") == b"code"


def test_an_owner_without_a_key_is_a_fault_and_not_an_answer(cloud):
    make.make_table("cardmesh-site-keyless")
    with tenant.acting_for("keyless"), pytest.raises(LookupError, match="keyless has no data key"):
        vault.seal("keyless", b"code", "here")


def test_a_plaintext_key_is_asked_for_again_after_five_minutes(cloud, kms):
    vault.forget()
    vault.seal(tenant.MAIN, b"code", "here")
    cloud.now += 299
    vault.seal(tenant.MAIN, b"code", "here")
    assert len(kms) == 1
    cloud.now += 1
    vault.seal(tenant.MAIN, b"code", "here")
    assert len(kms) == 2
    vault.forget()
    vault.seal(tenant.MAIN, b"code", "here")
    assert len(kms) == 3
    assert {call["EncryptionContext"]["site"] for call in kms} == {tenant.MAIN}


def test_the_table_holds_the_key_wrapped_only(cloud):
    vault.seal(tenant.MAIN, b"code", "here")
    plain = vault._keys[tenant.MAIN][0]
    stored = boto3.client("dynamodb").scan(TableName=table.name_of(tenant.MAIN))["Items"]
    kept = [value["B"] for row in stored for value in row.values() if "B" in value]
    assert kept
    assert not any(plain in value for value in kept)
    assert plain.hex() not in json.dumps(stored, default=bytes.hex)


def test_digests_differ_by_purpose_text_and_owner(two):
    site, other = two
    with tenant.acting_for(site):
        one = vault.mac(site, "code", "x")
        assert len(one) == 32
        assert one == vault.mac(site, "code", "x")
        assert len({one, vault.mac(site, "code", "y"), vault.mac(site, "lookup", "x")}) == 3
    with tenant.acting_for(other):
        assert one != vault.mac(other, "code", "x")


def test_keys_are_wrapped_by_the_key_of_the_settings(cloud):
    wrapped = vault.WrappedKey.of(tenant.MAIN).read("KEY#main", "1").wrapped
    opened = boto3.client("kms").decrypt(CiphertextBlob=wrapped, EncryptionContext={"site": "main"})
    alias = boto3.client("kms").describe_key(KeyId=config.load().key_id)["KeyMetadata"]
    assert opened["KeyId"] == alias["Arn"]
