"""The command `mejora`."""

from typing import Annotated

import typer

from mejora.audit.command import audit
from mejora.services import SERVICES
from mejora.serving import Server, run_until_signal, see_to_telemetry
from mejora_service.host import host
from mejora_service.runtime import Runtime
from mejora_service.settings import load

app = typer.Typer(
    help="Mejora turns failures of a service into permanent improvements.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def serve(
    service: Annotated[str, typer.Argument(help=f"One of: {', '.join(SERVICES)}.")],
) -> None:
    """Run one service, with the settings of the environment (MEJORA_…)."""
    if service not in SERVICES:
        raise typer.BadParameter(f"There is no service {service!r}: {', '.join(SERVICES)}.")
    settings = load(SERVICES[service].settings)
    see_to_telemetry(settings, service)

    async def run() -> None:
        runtime = Runtime(SERVICES[service], settings)
        await Server(host([runtime]), host=settings.host, port=settings.port).serve_all()

    run_until_signal(run())


@app.command()
def up() -> None:
    """Bring everything up on this machine (PORT, DATA, BROKER=postgres|kafka, KAFKA_PORT)."""
    from mejora.embedded_form import EmbeddedSettings, embedded

    settings = load(EmbeddedSettings)

    async def run() -> None:
        async with embedded(settings) as whole:
            typer.echo(f"Mejora answers at {whole.address}; its data is in {settings.data}")
            await whole.server.serve_all()

    run_until_signal(run())


@app.command()
def demo() -> None:
    """Send a small organisation's failures through and tell what becomes of them.

    PORT, DATA, BROKER and KAFKA_PORT as for `up`; DEMO_EXIT=1 ends it when the story is told.
    """
    from mejora.demo.command import demo as tell_the_story  # stands on what only `up` needs

    tell_the_story()


app.command()(audit)


if __name__ == "__main__":
    app()
