"""The verbs of splitting at a channel, or under a contract, that does not split."""

from typing import NoReturn

from chalicelib.payments import gateways


class Unsplit:
    """Mixed into a gateway: every one of them raises Declined."""

    def _decline(self, *_: object, **__: object) -> NoReturn:
        raise gateways.Declined("unsupported", "this channel does not split payments")

    add_receiver = remove_receiver = split = query_split = unfreeze = return_split = query_return = _decline
