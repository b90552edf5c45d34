"""`python -m benchmarks.constant SIZE METHOD STATUS`: our own server, with a route that does no work at all."""

import socket
import sys
from typing import Any

import uvicorn

from tessera.kernel import log, memory
from tessera.kernel.access import PUBLIC
from tessera.kernel.http import Package, Raw, Request, Route, Server, plain_problem


def main() -> None:
    size, method, status = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    memory.keep()
    log.set_up("info")
    content = Raw(b'"' + b"x" * (size - 2) + b'"')

    async def constant() -> Raw:
        return content

    async def constant_for_body(body: dict[str, Any]) -> Raw:
        return content

    handler = constant if method == "GET" else constant_for_body
    package = Package(
        name="constant",
        base="",
        title="Constant",
        routes=[Route(method, "/constant", handler, PUBLIC, status)],
        problem=plain_problem,
    )

    async def nobody(request: Request, forms: Any) -> Any:
        raise NotImplementedError("the one route is public")

    server = Server([], {}, authenticate=nobody, plain=package)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        server,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
