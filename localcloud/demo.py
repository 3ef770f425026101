"""The demo's shops, goods and codes. Prices in fen; `codes` is how many to make."""

from dataclasses import dataclass, replace

from chalicelib.catalog.service import GoodsDraft, Tier
from chalicelib.tenancy.service import Brand

STAFF = ("staff", "counter-open-8")
OWNER_PASSWORD = "shop-open-8"  # noqa: S105  printed at the start; it opens nothing but this machine's demo

SHOPS = {
    "demo": Brand("云票铺", "点卡、会员、充值，付款即出卡", "#0f766e", "云", "7×24 小时自动发卡"),
    "campus": Brand("校园充", "学生价，寝室里就能买", "#b4370f", "校", "开学季：话费与视频会员全场批发价"),
}


@dataclass(frozen=True)
class Planted:
    """Goods with the look of their codes: `#` is a letter or digit, `9` a digit."""

    draft: GoodsDraft
    codes: int = 0
    look: str = "####-####-####"
    discount: int = 0  # fen off in this week's timed price


def _goods(
    name: str,
    category: str,
    prices: tuple[int, int, int],
    *,
    kind: str = "card",
    face: str = "",
    notes: str = "",
    tiers: tuple[tuple[int, int], ...] = (),
) -> GoodsDraft:
    wholesale, floor, suggest = prices
    return GoodsDraft(
        name,
        category,
        kind=kind,
        face_value=face,
        notes=notes,
        wholesale_fen=wholesale,
        floor_fen=floor,
        suggest_fen=suggest,
        tiers=tuple(Tier(*tier) for tier in tiers),
    )


_STEAM = (
    "登录 Steam 客户端 → 右上角账户明细 → 充值 Steam 钱包代码，输入卡密即可。\n仅限国区账户，兑换后不可退。"
)
_VIDEO = "打开官方 App → 我的 → 会员中心 → 兑换码，输入后立即生效。\n同一账号可叠加时长。"
_PHONE = "拨打运营商客服按语音提示选择“充值卡充值”，或在官方 App 内输入卡密。\n到账以运营商短信为准。"
_LICENCE = "在官网登录后进入 Redeem Code 页面输入激活码。\n一码一机，绑定后不可转移。"

GOODS = [
    Planted(
        _goods(
            "Steam 钱包充值卡",
            "游戏点卡",
            (4650, 4800, 4950),
            face="¥50",
            notes=_STEAM,
            tiers=((10, 4890), (50, 4830)),
        ),
        300,
        "#####-#####-#####",
    ),
    Planted(
        _goods(
            "Steam 钱包充值卡", "游戏点卡", (9300, 9600, 9850), face="¥100", notes=_STEAM, tiers=((10, 9750),)
        ),
        300,
        "#####-#####-#####",
    ),
    Planted(
        _goods(
            "网易一卡通", "游戏点卡", (2760, 2850, 2940), face="¥30", notes="在游戏内充值中心输入卡号与密码。"
        ),
        200,
        "999999999999 99999999",
    ),
    Planted(
        _goods("任天堂 eShop 充值卡", "游戏点卡", (18000, 18600, 19200), face="¥200"),
        3,
        "#### #### #### ####",
    ),
    Planted(
        _goods(
            "腾讯视频 VIP 月卡",
            "影音会员",
            (1650, 1750, 1980),
            kind="membership",
            face="31 天",
            notes=_VIDEO,
            tiers=((5, 1890),),
        ),
        400,
        "TX##########",
        100,
    ),
    Planted(
        _goods(
            "腾讯视频 VIP 年卡",
            "影音会员",
            (16800, 17500, 18800),
            kind="membership",
            face="365 天",
            notes=_VIDEO,
        ),
        120,
        "TX##########",
    ),
    Planted(
        _goods(
            "爱奇艺黄金会员季卡",
            "影音会员",
            (4200, 4400, 4880),
            kind="membership",
            face="93 天",
            notes=_VIDEO,
        ),
        200,
        "IQ############",
    ),
    Planted(
        _goods(
            "网易云黑胶 VIP 季卡",
            "影音会员",
            (3300, 3500, 3800),
            kind="membership",
            face="92 天",
            notes=_VIDEO,
        ),
        8,
        "NM##########",
    ),
    Planted(
        _goods("移动话费充值卡", "话费流量", (4800, 4950, 4980), kind="topup", face="¥50", notes=_PHONE),
        300,
        "99999999999999999 999999999999999999",
    ),
    Planted(
        _goods("联通话费充值卡", "话费流量", (9600, 9900, 9960), kind="topup", face="¥100", notes=_PHONE),
        200,
        "999999999999999 9999999999999999999",
    ),
    Planted(
        _goods(
            "JetBrains 全家桶个人授权",
            "软件授权",
            (39000, 41000, 45900),
            kind="licence",
            face="1 年",
            notes=_LICENCE,
        ),
        40,
        "####-####-####-####",
    ),
    Planted(
        _goods(
            "WPS 超级会员年卡",
            "软件授权",
            (9800, 10200, 11800),
            kind="licence",
            face="365 天",
            notes=_LICENCE,
        ),
        150,
        "WPS#############",
    ),
    Planted(
        _goods(
            "英语四级冲刺课",
            "课程",
            (5900, 6300, 7900),
            kind="course",
            face="42 讲",
            notes="激活码绑定一个学习账号。",
        ),
        90,
        "CET4-####-####",
    ),
    Planted(
        replace(
            _goods(
                "游戏账号安全设置代办",
                "贴心代办",
                (2000, 2500, 3000),
                kind="service",
                notes="付款后客服一小时内联系您填写的联系方式。",
            ),
            way="manual",
            most=5,
        )
    ),
]

OWN = Planted(
    _goods(
        "图书馆自习室周卡",
        "校园专享",
        (0, 100, 990),
        kind="membership",
        face="7 天",
        notes="凭码在前台换取座位卡。",
    ),
    60,
    "LIB-######",
)
