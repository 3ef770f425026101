"""What a deployment may choose: parameters of the template beside those of main.yaml, and conditions on them."""

from typing import Any

from . import rest, roles

Parameters = dict[str, dict[str, Any]]

POLLERS_READY = "PollersReady"
RESERVES = "ReservesForHooks"
_PLACES: Parameters = {
    "StaticUrl": {
        "Type": "String",
        "Default": "/static",
        "Description": "Where pages find their static files.",
    },
    "OriginSecret": {
        "Type": "String",
        "Default": "",
        "Description": "Name of the secret by which the edge proves that it set X-Forwarded-Host; empty: no edge.",
    },
    "OriginSecretVersion": {
        "Type": "String",
        "Default": "",
        "Description": "The version of that secret; CloudFormation asks for it again when this changes.",
    },
    "DeliveryPollers": {
        "Type": "Number",
        "Default": 0,
        "AllowedValues": [0, 2, 4, 8, 16],
        "Description": "Pollers kept ready for deliveries, paid by the hour, so that a flood delays no other site.",
    },
    "ShopRequests": {
        "Type": "Number",
        "Default": 8000,
        "MinValue": 10,
        "MaxValue": 1_000_000,
        "Description": "Requests a second of all shops: four fifths of the account's, the rest being callbacks'.",
    },
    "ShopBurst": {
        "Type": "Number",
        "Default": 4000,
        "MinValue": 10,
        "MaxValue": 500_000,
        "Description": "Requests of all shops at once, beyond a second's: four fifths of the account's.",
    },
    # So many keep pace with what CloudFormation describes for one account: bench/RESULTS.md, the fleet.
    "SitesAtOnce": {
        "Type": "Number",
        "Default": 5,
        "MinValue": 2,
        "MaxValue": 1000,
        "Description": "Sub-sites worked on at once while they come up or move: five for each account of Cells.",
    },
}
# What functions may take of the account; the defaults are those of .chalice/config.json.
SIZES: Parameters = {
    "PageMemory": {
        "Type": "Number",
        "Default": 512,
        "MinValue": 128,
        "MaxValue": 10_240,
        "Description": "Megabytes of a function that answers requests; its share of a processor grows with them.",
    },
    "WorkMemory": {
        "Type": "Number",
        "Default": 256,
        "MinValue": 128,
        "MaxValue": 10_240,
        "Description": "Megabytes of a function behind a queue or a schedule, those of LargeMemory apart.",
    },
    "LargeMemory": {
        "Type": "Number",
        "Default": 512,
        "MinValue": 256,
        "MaxValue": 10_240,
        "Description": "Megabytes of the functions that deliver orders and reconcile books.",
    },
    "PageTimeout": {
        "Type": "Number",
        "Default": 29,
        "MinValue": 10,
        "MaxValue": 29,
        "Description": "Seconds that a function may take to answer a request; API Gateway waits no longer than 29.",
    },
    "WorkTimeout": {
        "Type": "Number",
        "Default": 60,
        "MinValue": 20,
        "MaxValue": 60,
        "Description": "Seconds of a function behind a queue, longer ones apart: a sixth of what hides a message.",
    },
    "HooksReserve": {
        "Type": "Number",
        "Default": 100,
        "MinValue": 0,
        "MaxValue": 10_000,
        "Description": "Concurrent payment callbacks that nothing else can take away; 0 reserves none.",
    },
}
_CELLS = r"|a(@\d{12})?:\d{1,5}(,[a-z][a-z0-9]{0,7}@\d{12}:\d{1,5})*"  # as chalicelib.kit.config reads it
# What a deployment may decide for itself, read by chalicelib.kit.config under the names on the left.
TERMS: Parameters = {
    "PAYOUT_VIA": {
        "Type": "String",
        "Default": "file",
        "AllowedValues": ["file", "transfer"],
        "Description": "How payouts reach the bank: a daily file that a person takes there, or its interface.",
    },
    "PAYOUT_LEAST_FEN": {
        "Type": "Number",
        "Default": 1000,
        "MinValue": 1,
        "MaxValue": 10_000_000,
        "Description": "The least a party can withdraw, in fen.",
    },
    "PAYOUT_TWO_FEN": {
        "Type": "Number",
        "Default": 5_000_000,
        "MinValue": 1,
        "MaxValue": 10_000_000_000,
        "Description": "From this payout on, in fen, two people of the main site's staff have to agree.",
    },
    "DEPOSIT_FEN": {
        "Type": "Number",
        "Default": 200_000,
        "MinValue": 0,
        "MaxValue": 100_000_000,
        "Description": "The deposit asked of who applies for a sub-site, in fen; staff may say otherwise.",
    },
    "DEPOSIT_TO": {
        "Type": "String",
        "Default": "",
        "MaxLength": 100,
        "Description": "Where applicants send the deposit: bank, holder and number, as they are to read it.",
    },
    "DEPOSIT_DAYS": {
        "Type": "Number",
        "Default": 15,
        "MinValue": 1,
        "MaxValue": 90,
        "Description": "Days within which a deposit is given back.",
    },
    "WALLET_UNNAMED_FEN": {
        "Type": "Number",
        "Default": 100_000,
        "MinValue": 0,
        "MaxValue": 100_000,
        "Description": "The most a member may hold as balance, in fen.",
    },
    "WALLET_NAMED_FEN": {
        "Type": "Number",
        "Default": 500_000,
        "MinValue": 0,
        "MaxValue": 500_000,
        "Description": "The same once their name is verified.",
    },
    "SPLIT_AFTER": {
        "Type": "Number",
        "Default": 86_400,
        "MinValue": 60,
        "MaxValue": 1_728_000,
        "Description": "Seconds from delivery until a payment is split at its channel.",
    },
    "EDGE": {
        "Type": "String",
        "Default": "",
        "Description": "Output Settings of the edge, for domains of sub-sites' own; empty: there are none.",
    },
    "CELLS": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": _CELLS,
        "Description": "Accounts for sub-sites: a:8000,b@444455556666:8000; empty: all are in this one.",
    },
}


def all_of_them() -> Parameters:
    """By the names that a deployment gives."""
    return _PLACES | SIZES | {named(setting): term for setting, term in TERMS.items()}


def conditions() -> dict[str, Any]:
    """What holds for the values given."""
    return {
        RESERVES: _not("HooksReserve", 0),
        POLLERS_READY: _not("DeliveryPollers", 0),
        roles.SEVERAL_CELLS: _not("Cells", ""),
        rest.HAS_EDGE: _not("OriginSecret", ""),
    }


def named(setting: str) -> str:
    """SPLIT_AFTER is SplitAfter among the parameters of the template."""
    return setting.title().replace("_", "")


def _not(parameter: str, value: int | str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, value]}]}
