"""A bank that pays out: books of its own, one payment for each of the merchant's ids, and faults on demand.

Faults are named by a lever: lost (paid, but the answer never arrives), down, slow (processing until asked again),
fail (the payment fails), return (a success that comes back once it is asked for again), poor (no money of ours).
"""

import hmac
import json
import re
import threading
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .exchange import Answer, Refused, Request, as_json

PATH = "/bank/v1/payments"
FAULTS = ("lost", "down", "slow", "fail", "return", "poor")
_ASKED = {"out_no": str, "amount_fen": int, "kind": str, "name": str, "number": str, "bank": str}
_SKEW = 300  # seconds by which a merchant's clock may differ


@dataclass
class Paid:
    """One payment. `asked` counts the calls that named it."""

    out_no: str
    amount_fen: int
    kind: str
    name: str
    number: str
    bank: str
    state: str
    at: int
    reason: str = ""
    asked: int = 0


class Bank:
    """The bank's side. `state` is the file of its books."""

    def __init__(self, merchant: str, secret: str, state: Path) -> None:
        self.payments: dict[str, Paid] = {}
        self.moved: Counter[str] = Counter()  # fen that left for each id, less what came back
        self._faults: Counter[str] = Counter()
        self._merchant = merchant
        self._secret = secret.encode()
        self._state = state
        self._lock = threading.Lock()
        if state.is_file():
            kept = json.loads(state.read_text("utf-8"))
            self.payments = {each["out_no"]: Paid(**each) for each in kept["payments"]}
            self.moved.update(kept["moved"])

    def set_faults(self, counts: dict[str, Any]) -> dict[str, int]:
        """Let the next so many calls meet a fault; the faults that wait. Raises Refused."""
        if any(name not in FAULTS or type(count) is not int or count < 0 for name, count in counts.items()):
            raise Refused(422, "invalid", f"Faults are counts of {', '.join(FAULTS)}.")
        self._faults.update(counts)
        return dict(self._faults)

    def answer(self, request: Request, *, now: int) -> Answer:
        """Serve one signed call. Raises Refused."""
        seal = self._check(request, now)
        with self._lock:
            status, body = self._serve(request, now)
            self._save()
        raw = json.dumps(body, ensure_ascii=False).encode()
        if status == 200 and self._strikes("lost"):
            raise Refused(504, "lost", "The answer was lost on its way.")
        sealed = self._sealed(seal.encode(), str(status).encode(), raw)
        return Answer(status, raw, {"Content-Type": "application/json", "X-Signature": sealed})

    def view(self) -> Answer:
        """The books."""
        return as_json({"payments": [asdict(each) for each in self.payments.values()], "moved": self.moved})

    def _check(self, request: Request, now: int) -> str:
        given, at = request.headers.get("x-signature", ""), request.headers.get("x-time", "")
        seal = self._sealed(request.method.encode(), request.path.encode(), at.encode(), request.body)
        if given != seal or request.headers.get("x-merchant") != self._merchant:
            raise Refused(401, "SIGN_ERROR", "The signature is wrong.")
        if not at.isdecimal() or abs(int(at) - now) > _SKEW:
            raise Refused(401, "TIME_ERROR", "The call is too old.")
        return seal

    def _sealed(self, *parts: bytes) -> str:
        """Reckoned here for itself, so that shop and bank prove each other."""
        return hmac.new(self._secret, b"\n".join(parts), "sha256").hexdigest()

    def _serve(self, request: Request, now: int) -> tuple[int, dict[str, Any]]:
        if self._strikes("down"):
            return 503, {"code": "SYSTEM_ERROR", "sentence": "try again"}
        if request.method == "POST" and request.path == PATH:
            return self._pay(request.json(), now)
        found = re.fullmatch(rf"{PATH}/(\w+)", request.path)
        paid = self.payments.get(found[1]) if found and request.method == "GET" else None
        if not paid:
            return 404, {"code": "NOT_FOUND", "sentence": "no such payment"}
        self._go_on(paid)
        return 200, _told(paid)

    def _pay(self, asked: dict[str, Any], now: int) -> tuple[int, dict[str, Any]]:
        wanted: dict[str, Any] = {name: asked.get(name) for name in _ASKED}
        if any(type(value) is not _ASKED[name] for name, value in wanted.items()):
            return 422, {"code": "PARAM_ERROR", "sentence": "a field is missing"}
        known = self.payments.get(wanted["out_no"])
        if known and any(getattr(known, name) != value for name, value in wanted.items()):
            return 409, {"code": "ID_REUSED", "sentence": "this id names another payment"}
        if not known and self._strikes("poor"):
            return 403, {"code": "NOT_ENOUGH", "sentence": "the account does not cover it"}
        if known:
            self._go_on(known)
        else:
            known = self.payments[wanted["out_no"]] = Paid(**wanted, state=self._begin(), at=now)
            if known.state == "failed":
                known.reason = "户名与账号不符"
            if known.state == "success":
                self.moved[known.out_no] += known.amount_fen
        return 200, _told(known)

    def _begin(self) -> str:
        if self._strikes("fail"):
            return "failed"
        return "processing" if self._strikes("slow") else "success"

    def _go_on(self, paid: Paid) -> None:
        paid.asked += 1
        if paid.state == "processing" and paid.asked > 1:
            paid.state = "success"
            self.moved[paid.out_no] += paid.amount_fen
        elif paid.state == "success" and self._strikes("return"):
            paid.state, paid.reason = "returned", "收款账户已注销"
            self.moved[paid.out_no] -= paid.amount_fen

    def _strikes(self, fault: str) -> bool:
        if not self._faults[fault]:
            return False
        self._faults[fault] -= 1
        return True

    def _save(self) -> None:
        kept = {"payments": [asdict(each) for each in self.payments.values()], "moved": self.moved}
        self._state.parent.mkdir(parents=True, exist_ok=True)
        self._state.write_text(json.dumps(kept, ensure_ascii=False), "utf-8")


def _told(paid: Paid) -> dict[str, Any]:
    told = {name: getattr(paid, name) for name in ("out_no", "amount_fen", "state", "reason")}
    return told | {"bank_no": f"B{paid.at}{paid.out_no[-6:]}"}
