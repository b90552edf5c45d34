"""Serves the built console: hashed files for ever, pages fresh, nothing outside the folder."""

from pathlib import Path
from typing import Final

from starlette.responses import FileResponse, Response

from tessera.kernel.errors import NotFound
from tessera.kernel.http.request import Request

POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""`unsafe-inline` for styles alone: the component library sets element styles."""


def serve(root: Path, path: str, request: Request) -> Response:
    """The file at ``path`` below ``root``; the page itself for addresses that it draws.

    Raises:
        NotFound: no such asset, or the console is not built.
    """
    target = (root / path).resolve()
    if not target.is_relative_to(root.resolve()):
        raise NotFound("there is nothing here")
    headers = {"content-security-policy": POLICY, "cross-origin-opener-policy": "same-origin"}
    if path and target.is_file():
        fixed = path.startswith("assets/")
        headers["cache-control"] = "public, max-age=31536000, immutable" if fixed else "no-cache"
        return FileResponse(target, headers=headers)
    if path.startswith("assets/"):
        raise NotFound(f"there is no asset {path[:100]}")
    page = root / "index.html"
    if not page.is_file():
        raise NotFound("the console is not built: `make setup` builds it; the API reference is at /docs")
    headers["cache-control"] = "no-cache"
    return FileResponse(page, headers=headers, media_type="text/html")
