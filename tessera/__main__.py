"""The command `tessera`. Each room brings its own commands; what they do stands there."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from tessera import __version__
from tessera.settings import BadSetting, load

app = App(
    name="tessera", version=__version__, help="A self-hosted data platform: one server, one identity, one warehouse."
)
app.command("tessera.identity.cli:admin", name="admin")
app.command("tessera.identity.cli:user", name="user")
app.command("tessera.identity.cli:token", name="token")
app.command("tessera.identity.cli_jobs:job", name="job")
app.command("tessera.semantic.cli:semantic", name="semantic")
app.command("tessera.vault.cli:vault", name="vault")
app.command("tessera.vault.cli:sql", name="sql")


@app.command
def serve(
    *,
    data_dir: Annotated[str | None, Parameter(help="Folder of the embedded databases and files.")] = None,
    host: Annotated[str | None, Parameter(help="Address to listen on.")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Migrate, then serve until stopped."""
    from tessera.app import DataFolderInUse
    from tessera.app import serve as run
    from tessera.kernel import log

    settings = load(data_dir=data_dir, host=host, port=port)
    log.set_up(settings.log_level)
    try:
        run(settings)
    except DataFolderInUse as error:
        fail(str(error))


@app.command
def migrate(*, data_dir: str | None = None) -> None:
    """Bring the metadata database to the newest revision."""
    from tessera.kernel.db import Database
    from tessera.kernel.schema import migrate as run

    db = Database(load(data_dir=data_dir).metadata_url)
    before, after = run(db)
    db.close()
    print(f"at revision {after}" + ("" if before == after else f" (was {before or 'empty'})"))


@app.command
def backup(target: Path, /, *, data_dir: str | None = None) -> None:
    """Write the data folder into one archive. The server must not run meanwhile."""
    from tessera.app import DataFolderInUse, claim_data_dir
    from tessera.operations import backup as run

    settings = load(data_dir=data_dir)
    try:
        with claim_data_dir(settings):
            size = run(settings, target)
    except DataFolderInUse as error:
        fail(str(error))
    print(f"{target}: {size:,} bytes")


@app.command
def restore(source: Path, /, *, data_dir: str | None = None) -> None:
    """Unpack an archive of `tessera backup` into an empty data folder."""
    from tessera.app import DataFolderInUse, claim_data_dir
    from tessera.operations import restore as run

    settings = load(data_dir=data_dir)
    try:
        with claim_data_dir(settings):
            run(settings, source)
    except DataFolderInUse as error:
        fail(str(error))
    print(f"restored into {settings.data_dir}")


@app.command
def doctor(*, data_dir: str | None = None) -> None:
    """Say what is well, what is not, and how to mend it."""
    from tessera.operations import findings

    results = list(findings(load(data_dir=data_dir)))
    for well, text in results:
        print(f"{'ok  ' if well else 'BAD '} {text}")
    if not all(well for well, _ in results):
        raise SystemExit(1)


@app.command
def demo(
    *,
    data_dir: str | None = None,
    host: str | None = None,
    port: int | None = None,
    exit_after: Annotated[bool, Parameter(name="--exit", negative="", help="End after the answers.")] = False,
) -> None:
    """Load real flights through the packages, show every call, then keep serving."""
    from tessera.demo.flights import DataMissing
    from tessera.demo.run import demo as run
    from tessera.demo.show import DemoFailed

    try:
        run(load(data_dir=data_dir, host=host, port=port), exit_after=exit_after)
    except (DemoFailed, DataMissing) as error:
        fail(str(error), 1)


def fail(message: str, code: int = 2) -> None:
    """Say what was wrong and end."""
    print(f"tessera: {message}", file=sys.stderr)
    raise SystemExit(code)


def main() -> None:
    """Run the command line."""
    from tessera.kernel.errors import Problem

    try:
        app()
    except BadSetting as error:
        fail(str(error))
    except Problem as problem:
        fail(problem.message, 1)


if __name__ == "__main__":
    main()
