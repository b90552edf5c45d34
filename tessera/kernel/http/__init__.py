"""The table of routes: declare, match, decode, call, encode. It holds no rule of any package."""

from msgspec import Raw
from starlette.responses import Response

from tessera.kernel.http.binding import UUIDText, decode_json, read_query
from tessera.kernel.http.request import Request, json_response, to_json
from tessera.kernel.http.route import Alias, Package, Route, delete, get, head, patch, post, put
from tessera.kernel.http.server import Server, plain_problem

__all__ = [
    "Alias",
    "Package",
    "Raw",
    "Request",
    "Response",
    "Route",
    "Server",
    "UUIDText",
    "decode_json",
    "delete",
    "get",
    "head",
    "json_response",
    "patch",
    "plain_problem",
    "post",
    "put",
    "read_query",
    "to_json",
]
