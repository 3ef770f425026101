"""The edge, as a domain of an owner's meets it: its DNS, its stack of infra/domain.yaml, its certificate.

Nothing here connects to where a stranger's name leads: DNS is only asked, and the certificate is looked at on the edge
itself, by the name under which a browser would come.
"""

import hashlib
import socket
import ssl

from chalicelib.kit import aws, config, table, tenant
from chalicelib.kit.ids import base32

from . import stacks

_PATIENCE = 5.0  # seconds for a connection
_HTTPS = 443


def leads_to(host: str, address: str) -> bool:
    """Whether a host's DNS goes by way of an address of ours: a CNAME of it, at once or by others.

    An answer of the C library names each CNAME that it followed.
    """
    try:
        last, others, _ = socket.gethostbyname_ex(host)
    except OSError:
        return False
    return address in (last, *others)


def serves(host: str) -> bool:
    """Whether the edge shows a certificate that a browser believes to be the host's."""
    names = config.load().edge
    if names is None:
        return False
    try:
        with (
            socket.create_connection((names.names, _HTTPS), _PATIENCE) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def create(site: str, host: str) -> str:
    """Ask for a domain's stack, unless it is there; its status, or QUOTA where the account has no room."""
    settings = config.load()
    if settings.edge is None:
        return ""
    given = {"Site": site, "Domain": host, "Distribution": settings.edge.distribution}
    given["ConnectionGroup"] = settings.edge.group
    formation, body = aws.client("cloudformation"), settings.domain_template
    return stacks.ask(formation, name_of(site, host), body, given, site=site) or status(site, host)


def status(site: str, host: str) -> str:
    """The stack's status; empty where there is none."""
    return stacks.status_of(aws.client("cloudformation"), name_of(site, host))


def reason(site: str, host: str) -> str:
    """What CloudFormation says of the first thing that failed."""
    return stacks.reason_of(aws.client("cloudformation"), name_of(site, host))


def delete(site: str, host: str) -> None:
    """Ask for the stack to go."""
    aws.client("cloudformation").delete_stack(StackName=name_of(site, host))


def name_of(site: str, host: str) -> str:
    """What a domain's stack is called, and its tenant: the same for ever."""
    prefix = table.name_of(tenant.MAIN).removesuffix("-main")
    return f"{prefix}-domain-{site}-{base32(hashlib.sha256(host.encode()).digest(), 6).lower()}"
