"""What API Gateway itself answers: a path that nobody has, too much, too large, or no answer from a function.

Each answer is a page for browsers, in the look of the edge's pages, and a problem for programmes; API Gateway takes the
template whose content type the request accepts, and the first by name where it accepts any. Nothing of a request is put
into either. Source: API Gateway developer guide, "Gateway response types" and "Mapping templates".
"""

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.kit import errors

_EDGE = Path(__file__).parents[2] / "chalicelib/web/static/edge/unreachable.html"
_PROBLEM = "application/problem+json"
_SAFE = "已经付过款的，请不要再付一次：付款由支付渠道记着，稍后在“查订单”里能看到结果，出不了卡会退款。"
_SAFE_TOO = (
    "If you have paid, do not pay again: the channel has it on record, and your order shows the outcome soon."
)


@dataclass(frozen=True)
class Refusal:
    """An answer: its status (0: as it comes), its name for programmes, and what people read in two languages."""

    status: int
    code: str
    title: str
    words: tuple[str, ...]
    english: str


_LOST = Refusal(
    404,
    errors.NotFound.code,
    "这里什么都没有",
    ("地址可能打错了，或者这个页面已经不在了。", "买过的卡密都还在：点“查订单”，用下单时的联系方式找回来。"),
    "There is nothing here: the address may be mistyped, or the page is gone. What you bought is under your orders.",
)
_BUSY = Refusal(
    429,
    errors.TooMany.code,
    "人太多了，请稍等",
    ("一下子来的请求太多，这一次没有排上队，也没有扣款。", "请等十几秒再刷新。", _SAFE),
    f"Too many requests at once; this one was not taken. Wait some seconds and reload. {_SAFE_TOO}",
)
_LARGE = Refusal(
    413,
    "too_large",
    "内容太大了",
    ("提交的内容超过了能接受的大小，什么都没有保存。", "文件请分成几份，每份不超过 4 MB，再分别提交。"),
    "What was sent is too large, and nothing was saved. Split the file into parts of 4 MB at most.",
)
_ODD = Refusal(
    0,
    errors.Invalid.code,
    "这个请求没有被接受",
    ("页面可能放得太久，或者内容不完整。这一次什么都没有改变，也没有扣款。", "请返回上一页，刷新后再试。"),
    "This request was not accepted; nothing was changed and nothing was paid. Go back, reload, and try again.",
)
_DOWN = Refusal(
    0,
    errors.NotReady.code,
    "暂时连不上商店",
    ("刚才没有得到商店的回答，通常几秒后就恢复，请刷新再试。", _SAFE),
    f"The shop did not answer just now; please reload in a few seconds. {_SAFE_TOO}",
)
# By API Gateway's own names; the first is what it calls a path, or a method of one, that nobody has.
KINDS = {
    "MISSING_AUTHENTICATION_TOKEN": _LOST,
    "THROTTLED": _BUSY,
    "REQUEST_TOO_LARGE": _LARGE,
    "DEFAULT_4XX": _ODD,
    "DEFAULT_5XX": _DOWN,
}


def responses(*, pages: bool) -> dict[str, Any]:
    """The gateway responses of an API; one that no browser comes to has no pages."""
    return {kind: _response(refusal, pages=pages) for kind, refusal in KINDS.items()}


def of_status(status: int) -> Refusal:
    """What is said with a status."""
    known = {refusal.status: refusal for refusal in KINDS.values()}
    return known.get(status, _DOWN if status >= 500 else _ODD)


def page(refusal: Refusal) -> str:
    """The page for a browser."""
    head = re.split(r"<title>.*?</title>|<main>", _EDGE.read_text("utf-8"))[:2]
    words = "".join(f"<p>{html.escape(each)}</p>" for each in refusal.words)
    return (
        f"{head[0]}<title>{refusal.title}</title>{head[1]}<main><h1>{refusal.title}</h1>{words}"
        '<nav><a class="first" href="/">回到首页</a><a href="/orders">查订单</a></nav>'
        f'<p lang="en">{html.escape(refusal.english)}</p></main></html>\n'
    )


def _response(refusal: Refusal, *, pages: bool) -> dict[str, Any]:
    # First by name, so that it is also what those get who accept something else, or anything.
    problem = json.dumps({"type": "about:blank", "code": refusal.code, "detail": refusal.english})
    templates = {"application/json": problem, _PROBLEM: problem} | (
        {"text/html": page(refusal)} if pages else {}
    )
    wait = {"gatewayresponse.header.Retry-After": "'10'"} if refusal is _BUSY else {}
    return {
        **({"statusCode": str(refusal.status)} if refusal.status else {}),
        "responseParameters": {"gatewayresponse.header.Cache-Control": "'no-store'"} | wait,
        "responseTemplates": templates,
    }
