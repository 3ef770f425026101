import pytest

from chalicelib.payments import gateways
from sandbox import keys
from sandbox.books import Books, Trade
from sandbox.faults import Faults
from tests.sandbox.conftest import keys_folder, open_shop, shop

__all__ = ["keys_folder", "open_shop", "shop"]

NOW = 1_795_340_502


@pytest.fixture(scope="session")
def plain(keys_folder):
    return keys.settings(keys_folder, "http://127.0.0.1:9")


@pytest.fixture(scope="session")
def own(keys_folder):
    return keys.load(keys_folder)


@pytest.fixture(scope="session")
def wechat(plain):
    return gateways.GATEWAYS["wechat"](plain["wechat"])


@pytest.fixture(scope="session")
def alipay(plain):
    return gateways.GATEWAYS["alipay"](plain["alipay"])


@pytest.fixture(scope="session")
def unionpay(plain):
    return gateways.GATEWAYS["unionpay"](plain["unionpay"])


@pytest.fixture
def books():
    return Books()


@pytest.fixture
def faults():
    return Faults()


def paid_trade(channel: str) -> Trade:
    merchant, app = {
        "wechat": (keys.MCHID, keys.APPID),
        "alipay": (keys.SELLER_ID, keys.APP_ID),
        "unionpay": (keys.MER_ID, ""),
        "ecny": (keys.ECNY_MERCHANT, keys.ECNY_WALLET),
    }[channel]
    return Trade(
        channel=channel,
        merchant=merchant,
        app=app,
        out_trade_no="DEMO0TESTORDER000000000000001",
        amount_fen=4950,
        subject="话费 100% 充值+卡",
        notify_url="http://main.localhost:9/hooks",
        return_url="",
        kind="NATIVE",
        created_at=NOW - 60,
        expires_at=NOW + 900,
        state="paid",
        transaction_id="4200001795340502000000000001",
        paid_at=NOW - 5,
    )
