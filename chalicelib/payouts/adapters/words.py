"""What is said to a bank and what it answers."""

from dataclasses import dataclass


class Declined(Exception):
    """The bank did not take the call. `code` is its own."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code


@dataclass(frozen=True)
class Order:
    """A payment to be made. `kind` is "bank", "alipay" or "wechat"."""

    out_no: str  # ours, 21 characters; names the payment for ever
    fen: int
    kind: str
    name: str
    number: str
    bank: str
    remark: str


@dataclass(frozen=True)
class Result:
    """How a payment stands at the bank."""

    out_no: str
    fen: int
    state: str  # "processing" | "success" | "failed" | "returned"
    reason: str = ""  # the bank's words for a failure or a return
    bank_no: str = ""
