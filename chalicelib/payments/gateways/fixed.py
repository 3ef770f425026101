"""The keys of a channel that brings its key along with each message, or whose one key stands in the settings."""

from collections.abc import Mapping


class Fixed:
    """Mixed into a gateway: there is nothing to learn."""

    def learn(self, *, now: int) -> bool:  # noqa: ARG002
        """There are no others."""
        return False

    def download_keys(self, *, now: int) -> Mapping[str, str]:  # noqa: ARG002
        """None."""
        return {}
