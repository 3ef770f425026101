"""The cashier: the page a scanned code or a pay link opens."""

from html import escape
from string import Template

from .books import Trade
from .exchange import Answer

_NAMES = {"wechat": "微信支付", "alipay": "支付宝", "unionpay": "银联在线支付", "ecny": "数字人民币"}
_COLOURS = {"wechat": "#067a46", "alipay": "#0d5ed7", "unionpay": "#b3122a", "ecny": "#a8162b"}
_PAGE = Template("""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>$name · 沙箱收银台</title>$refresh<style>
:root{color-scheme:light dark;--brand:$colour;--paper:#fff;--ink:#1b1d21;--soft:#5c626b;--back:#f2f3f5}
@media(prefers-color-scheme:dark){:root{--paper:#1d2024;--ink:#eceef1;--soft:#a3abb5;--back:#121417}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);
font:1rem/1.6 system-ui,"PingFang SC","Noto Sans SC",sans-serif}
header{background:var(--brand);color:#fff;padding:1rem;text-align:center;font-weight:600}
main{max-width:26rem;margin:1.5rem auto;padding:0 1rem}
section{background:var(--paper);border-radius:14px;padding:2rem 1.5rem;text-align:center}
.amount{font-size:2.5rem;font-weight:700;font-variant-numeric:tabular-nums;margin:.25rem 0 1.25rem}
.amount small{font-size:1.25rem}dl{display:grid;grid-template-columns:auto 1fr;gap:.5rem 1rem;margin:0;
padding:1rem 0 0;border-top:1px dashed color-mix(in srgb,var(--soft) 40%,transparent);font-size:.8125rem}
dt{color:var(--soft);text-align:left}dd{margin:0;text-align:right;overflow-wrap:anywhere}
button,.back{display:block;width:100%;min-height:3rem;margin-top:1.25rem;border:0;border-radius:10px;
background:var(--brand);color:#fff;font:inherit;font-weight:600;line-height:3rem;text-decoration:none;cursor:pointer}
:focus-visible{outline:3px solid var(--brand);outline-offset:3px}
footer{margin-top:1rem;text-align:center;color:var(--soft);font-size:.8125rem}
</style></head><body><header>$name</header><main><section>
<p style="margin:0">$status</p><p class="amount"><small>¥</small>$amount</p>
<dl><dt>商品</dt><dd>$subject</dd><dt>收款方</dt><dd>商户 $merchant</dd><dt>订单号</dt><dd>$number</dd></dl>
</section>$action<footer>沙箱环境，不会产生真实扣款</footer></main></body></html>
""")


def cashier(trade: Trade, *, state: str, back: str, told: dict[str, str]) -> Answer:
    """Amount, merchant and one button; after paying, the way back to the shop (`back`, if it is a web address).

    A channel that has something to tell there sends the browser back with a form of it.
    """
    words = {"open": "待支付", "paid": "支付成功", "closed": "订单已关闭，无法支付"}
    back = escape(back) if back.startswith(("http://", "https://")) else ""
    action = ""
    if state == "open":
        action = '<form method="post"><button>支付</button></form>'
    elif back and told:
        action = _form(back, told)
    elif back:
        action = f'<a class="back" href="{back}">返回商家</a>'
    html = _PAGE.substitute(
        name=_NAMES[trade.channel],
        colour=_COLOURS[trade.channel],
        refresh=f'<meta http-equiv="refresh" content="2;url={back}">'
        if back and state == "paid" and not told
        else "",
        status=words[state],
        amount=f"{trade.amount_fen // 100}.{trade.amount_fen % 100:02d}",
        subject=escape(trade.subject) or "网上购物",
        merchant=escape(trade.merchant),
        number=escape(trade.out_trade_no),
        action=action,
    )
    return Answer(
        200, html.encode(), {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    )


def _form(address: str, fields: dict[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    leave = "setTimeout(() => document.forms[0].submit(), 2000)"
    return f'<form method="post" action="{address}">{hidden}<button>返回商家</button></form><script>{leave}</script>'
