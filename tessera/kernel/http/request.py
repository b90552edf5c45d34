"""The request as handlers see it, and the answers that they give."""

import ipaddress
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tessera.kernel.access import Principal
from tessera.kernel.errors import TooLarge

JSON_TYPE = "application/json"
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Request(StarletteRequest):
    """Starlette's request, with who called, an id for the logs and a bounded body."""

    principal: Principal | None = None
    id: str = ""
    body_limit: int = 1_000_000
    package: str = ""
    trusted_proxies: frozenset[str] = frozenset()
    public_url: str = ""

    def __init__(self, scope: Scope, receive: Receive, send: Send | None = None) -> None:
        if send is None:
            super().__init__(scope, receive)
        else:
            super().__init__(scope, receive, send)

    @property
    def client_address(self) -> str:
        """Address of the caller; of the one before our own proxies, where those are trusted."""
        peer = self.client.host if self.client else ""
        if peer in self.trusted_proxies:
            for hop in reversed(self.headers.get("x-forwarded-for", "").split(",")):
                address = hop.strip()
                if address and address not in self.trusted_proxies:
                    try:
                        return str(ipaddress.ip_address(address))
                    except ValueError:
                        break
        return peer

    @property
    def origin(self) -> str:
        """Scheme and host that the caller used, such as ``https://data.example``."""
        if self.public_url:
            return self.public_url.rstrip("/")
        scheme, host = self.url.scheme, self.headers.get("host") or self.url.netloc
        if self.client and self.client.host in self.trusted_proxies:
            scheme = self.headers.get("x-forwarded-proto", scheme).split(",")[0].strip()
            host = self.headers.get("x-forwarded-host", host).split(",")[0].strip()
        return f"{scheme}://{host}"

    async def bounded_body(self) -> bytes:
        """The whole body.

        Raises:
            TooLarge: it is, or says that it is, over ``body_limit``.
        """
        if hasattr(self, "_body"):
            return self._body
        declared = self.headers.get("content-length")
        if declared is not None and declared.isdigit() and int(declared) > self.body_limit:
            raise TooLarge(f"the body has {declared} bytes; at most {self.body_limit} are taken here")
        chunks: list[bytes] = []
        size = 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > self.body_limit:
                raise TooLarge(f"the body is over {self.body_limit} bytes, the most that is taken here")
            chunks.append(chunk)
        self._body = b"".join(chunks)
        return self._body


def to_json(value: Any) -> bytes:
    """One line of UTF-8 JSON; a ``Raw`` as it is."""
    return bytes(value) if isinstance(value, Raw) else _encode(value)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(to_json(value), status, headers, JSON_TYPE)
