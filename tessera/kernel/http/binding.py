"""Turns a handler's signature into a plan for calling it, once, at start."""

import inspect
import re
import types
import typing
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, NewType, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from tessera.kernel.errors import Invalid, NotFound, UnsupportedMedia
from tessera.kernel.http.request import Request
from tessera.kernel.http.route import Route

UUIDText = NewType("UUIDText", str)
"""Annotates a path parameter that has to be a UUID (else: not found); the handler gets it in lower case."""

Services = Mapping[type, Any]
Call = Callable[[Request, dict[str, str]], Awaitable[Any]]
_AT: Final = re.compile(r" - at `(.+)`$")
_NAMED: Final = re.compile(r"(?:required|unknown) field `([^`]+)`")
_JSON_TYPES: Final = re.compile(r"^application/(?:[\w.+-]+\+)?json\b", re.IGNORECASE)


class Bound:
    """A route ready to be called."""

    __slots__ = ("body_limit", "call", "label", "optional_principal", "route", "takes_principal")

    def __init__(self, route: Route, services: Services, *, body_limit: int, wants_json_type: bool, base: str) -> None:
        self.route = route
        self.body_limit = route.body_limit or body_limit
        self.label = f"{base}{route.path}"
        self.takes_principal = False
        self.optional_principal = False
        self.call: Call = self._plan(services, wants_json_type)

    def _plan(self, services: Services, wants_json_type: bool) -> Call:
        handler = self.route.handler
        hints = typing.get_type_hints(handler, include_extras=True)
        fixed: dict[str, Any] = {}
        path: list[tuple[str, Any]] = []
        body: tuple[Callable[[bytes], Any], bool] | None = None
        query: Any = None
        takes_request = False
        path_names = set(re.findall(r"\{([a-z_]+)", self.route.path))
        for name in inspect.signature(handler).parameters:
            hint = hints.get(name, str)
            if name in path_names:
                path.append((name, hint))
            elif name == "request":
                takes_request = True
            elif name == "principal":
                self.takes_principal = True
                self.optional_principal = type(None) in get_args(hint)
            elif name == "body":
                body = (_body_reader(hint), hint is not bytes and wants_json_type)
            elif name == "query":
                query = hint
            elif hint in services:
                fixed[name] = services[hint]
            else:
                raise TypeError(f"{self.label}: nothing to give to parameter {name!r} of {handler.__qualname__}")
        takes_principal = self.takes_principal

        async def call(request: Request, parameters: dict[str, str]) -> Any:
            arguments = dict(fixed)
            for name, hint in path:
                arguments[name] = _path_value(name, parameters[name], hint)
            if query is not None:
                arguments["query"] = read_query(request.scope["query_string"], query)
            if takes_principal:
                arguments["principal"] = request.principal
            if takes_request:
                arguments["request"] = request
            if body is not None:
                reader, needs_type = body
                content = await request.bounded_body()
                if needs_type and content and not _JSON_TYPES.match(request.headers.get("content-type", "")):
                    raise UnsupportedMedia("the body has to be JSON, with the header Content-Type: application/json")
                arguments["body"] = reader(content)
            return await handler(**arguments)

        return call


def _path_value(name: str, text: str, hint: Any) -> Any:
    if hint is UUIDText:
        try:
            return str(uuid.UUID(text))
        except ValueError:
            raise NotFound(f"{name} has to be a UUID; got {text[:80]!r}", field=name) from None
    if hint is int:
        try:
            return int(text)
        except ValueError:
            raise NotFound(f"{name} has to be a whole number; got {text[:80]!r}", field=name) from None
    return text


def _body_reader(hint: Any) -> Callable[[bytes], Any]:
    if hint is bytes:
        return lambda content: content
    optional = type(None) in get_args(hint) and get_origin(hint) in (typing.Union, types.UnionType)
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(hint)

    def read(content: bytes) -> Any:
        if optional and not content.strip():
            return None
        return decode_with(decoder, content)

    return read


def decode_json(content: bytes, kind: Any = Any) -> Any:
    """JSON text as ``kind``; problems name the field.

    Raises:
        Invalid: no JSON (code ``json``), or another shape (code ``shape``).
    """
    return decode_with(msgspec.json.Decoder(kind), content)


def decode_with(decoder: "msgspec.json.Decoder[Any]", content: bytes) -> Any:
    """As ``decode_json``, with a decoder made beforehand."""
    try:
        return decoder.decode(content)
    except msgspec.ValidationError as error:
        raise shape_problem(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is not readable JSON: {error}", code="json") from None


def shape_problem(error: msgspec.ValidationError) -> Invalid:
    """The problem for a value of another shape than declared."""
    text = str(error)
    at = _AT.search(text)
    path = at.group(1) if at else ""
    path = path.removeprefix("$.").removeprefix("$") if not path.startswith("key") else path
    named = _NAMED.search(text)
    field = ".".join(part for part in (path, named.group(1) if named else "") if part) or None
    message = _AT.sub("", text)
    shown = f"{field}: {message}" if field and not named else message
    return Invalid(shown[0].lower() + shown[1:] if not field else shown, field=field, code="shape")


def read_query(query_string: bytes, kind: Any) -> Any:
    """The query string as a struct: the last of several values wins, except where the field is a list.

    Raises:
        Invalid: a value of another type; ``field`` is the parameter.
    """
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True) if query_string else []
    if kind is dict or get_origin(kind) is dict:
        return dict(pairs)
    lists = _list_fields(kind)
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in lists:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise shape_problem(error) from None


def _list_fields(kind: Any) -> frozenset[str]:
    known = _LISTS.get(kind)
    if known is None:
        names = []
        for field in msgspec.structs.fields(kind):
            hint = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
            options = get_args(hint) if type(None) in get_args(hint) else (hint,)
            if any(get_origin(option) is list for option in options):
                names.append(field.encode_name)
        known = _LISTS[kind] = frozenset(names)
    return known


_LISTS: dict[Any, frozenset[str]] = {}
