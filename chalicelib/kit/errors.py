"""Errors are sentences with a status: safe to show, stable code, nothing internal inside."""


class ShopError(Exception):
    """An expected refusal. `status` is the HTTP status, `code` the stable name others program against."""

    status = 400
    code = "refused"
    sentence = "The request was refused."

    def __init__(self, sentence: str = "", **detail: object) -> None:
        super().__init__(sentence or self.sentence)
        self.detail = detail  # extra problem+json members, public by definition


class NotFound(ShopError):
    """Unknown, foreign and forbidden look the same."""

    status = 404
    code = "not_found"
    sentence = "There is nothing here."


class Invalid(ShopError):
    """An input that cannot be parsed into what the call needs."""

    status = 400
    code = "invalid"
    sentence = "The request could not be understood."


class Conflict(ShopError):
    """The thing changed meanwhile, or exists already."""

    status = 409
    code = "conflict"
    sentence = "This was changed or taken meanwhile; look again."


class TooMany(ShopError):
    """A limit of frequency or of open holds."""

    status = 429
    code = "too_many"
    sentence = "Too many tries; wait a moment."


class NotReady(ShopError):
    """Something needed to answer is down; asking again later is right."""

    status = 503
    code = "not_ready"
    sentence = "The service is catching its breath; nothing was lost, try again in a moment."
