"""A statement on paper: PDF in A4, Chinese by the fonts that every reader has (STSong-Light, not embedded).

The text of the file is ASCII from end to end, so it passes a gateway for text as it is. The library is loaded when
the first PDF is asked for: no other page of the console waits for it.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.kit import clock, money
from chalicelib.payouts import service as payouts

from .values import shown_day

_FONT = "STSong-Light"
_WIDTHS = (100, 150, 120, 75, 75)  # points of the columns of lines
_NOT_ASCII = b"%\x93\x8c\x8b\x9e"  # how the library marks a file as binary, which this one is not


def pdf(
    found: payouts.Statement,
    name: str,
    *,
    parts: Mapping[str, str],
    named: Callable[[payouts.Line], str],
    now: int,
) -> str:
    """The text of the PDF."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    title, plain = (
        ParagraphStyle(str(size), fontName=_FONT, fontSize=size, leading=size * 1.6) for size in (18, 9)
    )
    printed = clock.beijing(now).strftime("%Y-%m-%d %H:%M:%S")
    period = f"{shown_day(found.first)} 至 {shown_day(found.last)}（北京时间），单位：元。打印于 {printed}"
    story = [
        Paragraph("账户对账单", title),
        Paragraph(_safe(f"{name}（{found.party}）"), plain),
        Paragraph(period, plain),
        Spacer(1, 6 * mm),
        _grid(_summary(found, parts), (180, 90), total=True),
        Spacer(1, 3 * mm),
        Paragraph(_beside(found), plain),
        Spacer(1, 6 * mm),
        _grid(_lines(found, named), _WIDTHS),
    ]
    out = io.BytesIO()
    paper = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=15 * mm, rightMargin=15 * mm, title="account statement", invariant=1
    )
    paper.build(story, onFirstPage=_number, onLaterPages=_number)
    return out.getvalue().replace(_NOT_ASCII, b"%text", 1).decode("ascii")


def _summary(found: payouts.Statement, parts: Mapping[str, str]) -> list[list[str]]:
    moved = [[parts[kind], money.yuan(fen)] for kind, fen in found.sums.items()]
    first, last = money.yuan(found.opening_fen), money.yuan(found.closing_fen)
    return [["项目", "金额"], ["期初余额", first], *moved, ["期末余额", last]]


def _beside(found: payouts.Statement) -> str:
    amounts = (found.on_way_fen, found.held_fen, found.deposit_fen)
    return "期末另有：在途提现 {}，冻结 {}，保证金 {}。".format(*map(money.yuan, amounts))


def _lines(found: payouts.Statement, named: Callable[[payouts.Line], str]) -> list[list[str]]:
    rows = [
        [
            clock.beijing(line.at).strftime("%Y-%m-%d %H:%M:%S"),
            named(line),
            line.ref[:24],
            money.yuan(line.fen),
            money.yuan(line.after_fen),
        ]
        for line in found.lines
    ]
    return [["时间", "事项", "编号", "收支", "余额"], *rows]


def _grid(rows: list[list[str]], widths: tuple[int, ...], *, total: bool = False) -> Any:
    from reportlab.lib import colors
    from reportlab.platypus import Table, TableStyle

    amounts = len(widths) - (1 if len(widths) == len(("项目", "金额")) else len(("收支", "余额")))
    look: list[Any] = [
        ("FONT", (0, 0), (-1, -1), _FONT, 9),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.lightgrey),
        ("ALIGN", (amounts, 0), (-1, -1), "RIGHT"),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
    ]
    if total:
        look.append(("LINEABOVE", (0, -1), (-1, -1), 0.8, colors.black))
    return Table(rows, colWidths=widths, repeatRows=1, hAlign="LEFT", style=TableStyle(look))


def _number(canvas: Any, _paper: Any) -> None:
    canvas.setFont(_FONT, 8)
    canvas.drawRightString(560, 28, f"第 {canvas.getPageNumber()} 页")


def _safe(text: str) -> str:
    """A text that no paragraph takes for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
