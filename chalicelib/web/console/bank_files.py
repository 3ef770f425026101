"""The bank's files of payouts: made once a day, taken to the bank, and the bank's answer read line by line."""

import base64
from typing import Any

from chalice.app import Response

from chalicelib.payouts import service as payouts

from .. import face as faces
from ..visit import Visit
from . import desk, values
from . import payouts as console

face = faces.Face("console_bank_files", error_page=desk.error_page, enter=desk.enter_staff)

PLACE = "/console/payouts/files"


@face.post(PLACE)
@desk.or_again(console.index)
def make(visit: Visit) -> Response:
    """Make today's file; everything it names is sent from now on."""
    file = payouts.files.make(by=visit.account.staff.login, now=visit.now)
    return desk.done(f"{PLACE}/{file.day}", "file_made")


@face.get(f"{PLACE}/{{day}}")
def one(visit: Visit, day: str, report: object = None) -> Response:
    """A day's file: what it sends, what became of it, and where to put the bank's answer.

    The file is in the bank's encoding, which a gateway for text would spoil; so the page itself carries it.
    """
    return desk.page(visit, "bank_file.html", report=report, **_shown(day, now=visit.now))


@face.post(f"{PLACE}/{{day}}")
@desk.or_again(one)
def answer(visit: Visit, day: str) -> Response:
    """Read the bank's answer; every line says what it did."""
    file, text = payouts.files.of_day(day), visit.form.get("answer", "")
    if not text.strip():
        raise values.BadValue("粘贴银行回执，或选择文件。", field="answer")
    report = payouts.files.read_answer(file, text, by=visit.account.staff.login, now=visit.now)
    return one(visit, day, report=report)


def _shown(day: str, *, now: int) -> dict[str, Any]:
    file = payouts.files.of_day(day)
    raw = payouts.files.text(file, now=now)
    return {
        "file": file,
        "raw": base64.b64encode(raw).decode(),
        "sent": payouts.files.payouts_of(file),
        "named": console.named,
        "shown": values.shown_day,
    }
