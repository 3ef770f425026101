"""`cardmesh keys`: data keys are wrapped by the deployment's KMS key once it is another one, or a region was lost."""

from typing import Annotated

import typer

from chalicelib.kit import tenant, vault
from chalicelib.tenancy import service as tenancy

from . import shown

app = typer.Typer(no_args_is_help=True, help="Data keys: rewrap.")


@app.callback()
def keys() -> None:
    """Data keys of main, of payees' accounts, and of sites."""


@app.command()
def rewrap(
    owners: Annotated[
        list[str] | None, typer.Argument(help='"main", "payees", and sites by code; else all.')
    ] = None,
    *,
    dry_run: shown.DryRun = False,
    yes: shown.Yes = False,
) -> None:
    """Wrap data keys that another KMS key wrapped by the deployment's own; to be typed again until it ends well."""
    known = [*vault.SHARED, *(site.site for site in tenancy.sites(fresh=True))]
    if strange := sorted({*(owners or ())} - {*known}):
        raise shown.Stopped(f"There is no {', '.join(strange)}.")
    found = [each for each in known if each in (owners or known) and _rewrap(each, rehearse=True)]
    shown.say(f"{len(found)} of {len(owners or known)} data keys are wrapped by another KMS key.")
    if found and shown.agreed("Wrap them anew?", dry_run=dry_run, yes=yes):
        for each in found:
            _rewrap(each, rehearse=False)
        shown.say(f"{len(found)} data keys are wrapped by the deployment's KMS key.")


def _rewrap(owner: str, *, rehearse: bool) -> bool:
    """Whether there was anything to do; a site that is not ready yet has no data key."""
    with tenant.acting_for(tenant.MAIN if owner in vault.SHARED else owner):
        try:
            return vault.rewrap(owner, rehearse=rehearse)
        except LookupError:
            return False
