"""`cardmesh`: its groups of verbs, and how it ends where something cannot be done.

Exit codes: 0 done, or nothing found; 1 a check found something, or a wave was halted; 2 called wrongly; 3 what was
asked for could not be done.
"""

from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from typer.core import TyperGroup

from chalicelib.kit.errors import ShopError

from . import books, drift, keys, letters, moves, place, recovering, replay, shown, sites, waves

GROUPS = {
    "sites": sites.app,
    "move": moves.app,
    "dead": letters.app,
    "replay": replay.app,
    "books": books.app,
    "keys": keys.app,
}


class Plainly(TyperGroup):
    """Says in a sentence what could not be done, and ends with a code of its own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note whether only help is asked for, which needs no deployment."""
        ctx.obj = "--help" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except (shown.Stopped, ShopError) as refused:
            sentence = str(refused)
        except ClientError as error:
            told = error.response["Error"]
            sentence = f"AWS refused {error.operation_name}: {told['Code']}: {told.get('Message', '')}"
        except BotoCoreError as error:
            sentence = f"AWS could not be asked: {error}"
        typer.echo(sentence, err=True)
        raise typer.Exit(shown.REFUSED)


app = typer.Typer(
    cls=Plainly,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
sites.app.command("upgrade")(waves.upgrade)
app.command("drift")(drift.drift)
app.command("recover")(recovering.recover)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


@app.callback()
def begin(
    ctx: typer.Context,
    stack: Annotated[
        str, typer.Option(envvar="CARDMESH_STACK", help="The deployment's main stack; else the environment.")
    ] = "",
) -> None:
    """Operate a deployment: its sites, what got stuck, and its books."""
    if not ctx.obj:
        place.connect(stack)
