"""The keys of both sides, made at the first start and kept in a folder, and the merchant settings that go with them."""

import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from . import authority

MCHID = "1900000001"
APPID = "wxsandbox00000001"
SERIAL = "5157F09EFDC096DE15EBE81A47057A7200000001"  # of the merchant's certificate
PUB_KEY_ID = "PUB_KEY_ID_SANDBOX"
NEXT_SERIAL = "7132D72A03E93CDDF8C03BBD1F37EEDF7B000002"  # of the certificate WeChat Pay changes to
APP_ID = "2021000000000001"
SELLER_ID = "2088000000000001"
MER_ID = "777290000000001"
CERT_ID = "68759529225"  # of the merchant's certificate
ECNY_MERCHANT = "840100000000001"
ECNY_WALLET = "0022000000000001"  # the wallet it is paid into
BANK_MERCHANT = "B000000001"  # who pays out over the bank's interface


@dataclass(frozen=True)
class Keys:
    """Private keys of both sides of each channel. The channel's part uses the merchant's public half only."""

    wechat_merchant: rsa.RSAPrivateKey
    wechat_platform: rsa.RSAPrivateKey
    wechat_next: rsa.RSAPrivateKey  # of the certificate the channel changes to
    wechat_next_pem: str  # that certificate
    wechat_api_v3: bytes
    alipay_app: rsa.RSAPrivateKey
    alipay_platform: rsa.RSAPrivateKey
    unionpay_merchant: rsa.RSAPrivateKey
    unionpay: authority.Authority
    ecny_merchant: rsa.RSAPrivateKey
    ecny_platform: rsa.RSAPrivateKey
    ecny_wallet: bytes  # seals order information; the merchant never has it


def load(folder: str | Path) -> Keys:
    """The keys in a folder; what is missing is made (readable by its owner only)."""
    where = Path(folder)
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    following = _rsa(where / "wechat_next.pem")
    return Keys(
        wechat_merchant=_rsa(where / "wechat_merchant.pem"),
        wechat_platform=_rsa(where / "wechat_platform.pem"),
        wechat_next=following,
        wechat_next_pem=_kept(
            where / "wechat_next.crt",
            lambda: authority.own_certificate("Tenpay.com sign", following, NEXT_SERIAL),
        ).decode(),
        wechat_api_v3=_kept(where / "wechat_api_v3.key", lambda: secrets.token_hex(16).encode()),
        alipay_app=_rsa(where / "alipay_app.pem"),
        alipay_platform=_rsa(where / "alipay_platform.pem"),
        unionpay_merchant=_rsa(where / "unionpay_merchant.pem"),
        unionpay=_authority(where),
        ecny_merchant=_rsa(where / "ecny_merchant.pem"),
        ecny_platform=_rsa(where / "ecny_platform.pem"),
        ecny_wallet=_kept(where / "ecny_wallet.key", lambda: secrets.token_hex(16).encode()),
    )


def settings(folder: str | Path, base_url: str) -> dict[str, dict[str, Any]]:
    """What a merchant configures for each channel (plain and JSON-able), with the sandbox at `base_url`."""
    keys = load(folder)
    return {
        "wechat": {
            "mchid": MCHID,
            "appid": APPID,
            "serial": SERIAL,
            "private_key_pem": _private_pem(keys.wechat_merchant).decode(),
            "api_v3_key": keys.wechat_api_v3.decode(),
            "platform_keys": {
                PUB_KEY_ID: _public_pem(keys.wechat_platform),
                NEXT_SERIAL: _public_pem(keys.wechat_next),
            },
            "base_url": base_url,
        },
        "alipay": {
            "app_id": APP_ID,
            "seller_id": SELLER_ID,
            "private_key_pem": _private_pem(keys.alipay_app).decode(),
            "alipay_public_key_pem": _public_pem(keys.alipay_platform),
            "base_url": base_url,
            "bills_url": base_url,
        },
        "unionpay": {
            "mer_id": MER_ID,
            "cert_id": CERT_ID,
            "private_key_pem": _private_pem(keys.unionpay_merchant).decode(),
            "middle_cert_pem": keys.unionpay.middle_pem,
            "root_cert_pem": keys.unionpay.root_pem,
            "base_url": base_url,
            "files_url": f"{base_url}/filedownload/",
            "origins": base_url,
        },
        "ecny": {
            "merchant_no": ECNY_MERCHANT,
            "wallet_id": ECNY_WALLET,
            "private_key_pem": _private_pem(keys.ecny_merchant).decode(),
            "institution_key_pem": _public_pem(keys.ecny_platform),
            "base_url": base_url,
        },
    }


def bank_settings(folder: str | Path, base_url: str) -> dict[str, str]:
    """What the main site configures to pay out, with the sandbox's bank at `base_url`."""
    where = Path(folder)
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = _kept(where / "bank.key", lambda: secrets.token_hex(32).encode()).decode()
    return {"bank": "transfer", "base_url": base_url, "merchant": BANK_MERCHANT, "secret": secret}


def _authority(where: Path) -> authority.Authority:
    names = ("root", "middle", "signer")
    root, middle, signer = (_rsa(where / f"unionpay_{name}.pem") for name in names)
    return authority.Authority(
        root, middle, signer, keep=lambda name, make: _kept(where / f"unionpay_{name}.crt", make).decode()
    )


def _rsa(path: Path) -> rsa.RSAPrivateKey:
    key = _parsed(_kept(path, lambda: _private_pem(rsa.generate_private_key(65537, 2048))))
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{path} holds no RSA key")
    return key


@cache
def _parsed(pem: bytes) -> PrivateKeyTypes:
    """A private key; to read one is to test its primes, which takes a tenth of a second."""
    return serialization.load_pem_private_key(pem, None)


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's content, made by whoever comes first: two starters at once end up with the same."""
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return path.read_bytes()


def _private_pem(key: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
