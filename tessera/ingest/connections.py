"""Connections: create, change, drop, show. Source: contracts/ingest.md, 5.3."""

from collections.abc import Sequence

from tessera.ingest import connections_store as store
from tessera.ingest import sources
from tessera.ingest.model import PACKAGE
from tessera.ingest.secrets import MASK, seal, unseal
from tessera.ingest.sql.options import CONNECTIONS, idle_notes, read_again, value_of
from tessera.ingest.sql.statements import AlterConnection, CreateConnection, DropConnection, Options
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.db import Tx
from tessera.kernel.errors import Invalid
from tessera.settings import Settings


def check(statement: CreateConnection | AlterConnection, settings: Settings) -> None:
    """What has to be looked up outside the database: whether a LOCAL connection's folder is there and allowed.

    Raises:
        Invalid: it is not.
    """
    root = value_of(statement.options, "ROOT")
    if statement.kind == "LOCAL" and isinstance(root, str):
        sources.check_root(root, settings.ingest_local_folders)


def _split(kind: str, options: Options) -> tuple[dict[str, str], dict[str, str]]:
    """Option texts: those that may be shown, and the secret ones."""
    shown = {name: given.text for name, given in options.items() if not CONNECTIONS[kind][name].secret}
    return shown, {name: given.text for name, given in options.items() if CONNECTIONS[kind][name].secret}


def _notes(kind: str, options: Options) -> str:
    idle = idle_notes(options, CONNECTIONS[kind])
    return f" (accepted, but without a meaning on this server: {', '.join(idle)})" if idle else ""


def create(tx: Tx, principal: Principal, statement: CreateConnection, settings: Settings) -> str:
    """Add a connection; the message to show.

    Raises:
        Invalid: the name is taken.
    """
    tx.lock("ingest connections")
    if store.find(tx, statement.name) is not None:
        if statement.if_not_exists:
            return f"Connection {statement.name} already exists"
        raise Invalid(f"connection {statement.name} already exists", field="name")
    shown, secret = _split(statement.kind, statement.options)
    connection_id = store.insert(
        tx, name=statement.name, kind=statement.kind, options=shown, secrets=seal(settings, secret), by=principal.id
    )
    _record(tx, "created", connection_id, principal, name=statement.name, kind=statement.kind)
    return f"Connection {statement.name} was created{_notes(statement.kind, statement.options)}"


def read(tx: Tx, name: str) -> store.Connection:
    """A connection by its name.

    Raises:
        Invalid: there is none.
    """
    found = store.find(tx, name)
    if found is None:
        raise Invalid(f"there is no connection {name}", field="connection")
    return found


def alter(tx: Tx, principal: Principal, statement: AlterConnection, settings: Settings) -> str:
    """Change options of a connection; none at all is no error.

    Raises:
        Invalid: there is no such connection, or it is of another kind.
    """
    found = read(tx, statement.name)
    if found.kind != statement.kind:
        raise Invalid(f"connection {found.name} is of kind {found.kind}, not {statement.kind}", field="kind")
    if statement.options:
        shown, secret = _split(found.kind, statement.options)
        secrets = unseal(settings, found.secrets) | secret
        store.update(tx, found.id, options=found.options | shown, secrets=seal(settings, secrets), by=principal.id)
        _record(tx, "updated", found.id, principal, name=found.name, options=sorted(statement.options))
    return f"Connection {found.name} was altered{_notes(found.kind, statement.options)}"


def drop(tx: Tx, principal: Principal, statement: DropConnection) -> str:
    """Forget a connection.

    Raises:
        Invalid: there is none, or jobs use it; the message names them.
    """
    found = store.find(tx, statement.name)
    if found is None:
        if statement.if_exists:
            return f"Connection {statement.name} does not exist"
        raise Invalid(f"there is no connection {statement.name}", field="connection")
    jobs = store.jobs_of(tx, found.id)
    if jobs:
        raise Invalid(f"connection {found.name} is used by the jobs {', '.join(jobs)}; drop those first")
    store.remove(tx, found.id)
    _record(tx, "deleted", found.id, principal, name=found.name)
    return f"Connection {found.name} was dropped"


def comment(tx: Tx, principal: Principal, name: str, text: str) -> str:
    """COMMENT ON CONNECTION."""
    found = read(tx, name)
    options = found.options | {"COMMENT": quoted(text)}
    store.update(tx, found.id, options=options, secrets=found.secrets, by=principal.id)
    return f"Connection {found.name} was altered"


def quoted(text: str) -> str:
    """A text as a string of this SQL."""
    return "'" + text.replace("'", "''") + "'"


def create_statement(connection: store.Connection, secret_names: Sequence[str]) -> str:
    """The statement that would make the connection, secrets masked."""
    options = connection.options | dict.fromkeys(secret_names, MASK)
    lines = [f"CREATE {connection.kind} CONNECTION {name_of(connection.name)}"]
    lines += [f"    {name} = {text}" for name, text in options.items()]
    return "\n".join(lines) + ";"


def name_of(name: str) -> str:
    """A name as a statement spells it."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    return name if plain else '"' + name.replace('"', '""') + '"'


def values(connection: store.Connection, settings: Settings) -> dict[str, str]:
    """The values of all options, secrets too, for those who connect. Never to be shown."""
    texts = connection.options | unseal(settings, connection.secrets)
    options = read_again(texts, CONNECTIONS[connection.kind], "a connection")
    return {name: str(given.value) for name, given in options.items()}


def _record(tx: Tx, what: str, connection_id: str, principal: Principal, **data: object) -> None:
    events.record(tx, f"ingest.connection.{what}", package=PACKAGE, by=principal, of=connection_id, data=data)
