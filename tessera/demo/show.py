"""Makes a call as a script would, and prints it as curl with what came back."""

import json
import shlex
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx

SHOWN_CHARACTERS: Final = 600
_SECRETS: Final = ("password", "token", "apiToken", "access_token", "refresh_token")


class DemoFailed(Exception):
    """A call of the demo was refused; the text has the call and the answer."""


class Caller:
    """Calls one server and shows each call.

    Args:
        base: scheme, host and port.
        token: sent as ``Authorization: Bearer``; shown as ``$TESSERA_TOKEN``.
    """

    def __init__(self, base: str, token: str | None = None) -> None:
        self.base = base
        self.token = token
        self._client = httpx.Client(base_url=base, timeout=120)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        quiet: bool = False,
        accept: tuple[int, ...] = (200, 201, 202, 204),
    ) -> Any:
        """The decoded answer.

        Args:
            body: JSON; text is sent as it is (``application/text``).
            quiet: do not print, for polling.

        Raises:
            DemoFailed: a status that is not in ``accept``.
        """
        sent = dict(headers or {})
        content = body if isinstance(body, str) else None if body is None else json.dumps(body)
        if content is not None:
            sent.setdefault("content-type", "application/text" if isinstance(body, str) else "application/json")
        shown = dict(sent)
        if self.token is not None and not any(name in sent for name in ("authorization", "x-api-key")):
            sent["authorization"] = f"Bearer {self.token}"
            shown["authorization"] = "Bearer $TESSERA_TOKEN"
        if not quiet:
            show(as_curl(method, self.base + path, shown, masked(body)))
        began = time.perf_counter()
        answer = self._client.request(method, path, content=content, headers=sent)
        if answer.status_code not in accept:
            raise DemoFailed(f"{method} {path} answered {answer.status_code}: {answer.text[:2000]}")
        try:
            value = answer.json() if answer.content else None
        except ValueError:
            value = answer.text
        if not quiet:
            text = json.dumps(masked(value), ensure_ascii=False)
            cut = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}… ({len(text):,} characters)"
            show(f"  → {answer.status_code} in {(time.perf_counter() - began) * 1000:.0f} ms  {cut}")
        return value


def as_curl(method: str, url: str, headers: Mapping[str, str], body: Any) -> str:
    """One line that does the same from a shell."""
    parts = ["  $ curl --request", method, shlex.quote(url)]
    for name, value in headers.items():
        parts += ["--header", f'"{name}: {value}"' if "$" in value else shlex.quote(f"{name}: {value}")]
    if body is not None:
        parts += ["--data", shlex.quote(body if isinstance(body, str) else json.dumps(body, ensure_ascii=False))]
    return " ".join(parts)


def masked(value: Any) -> Any:
    """The same, with secrets as ``***``."""
    if isinstance(value, list):
        return [masked(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: "***" if name in _SECRETS and each else masked(each) for name, each in value.items()}


def show(text: str) -> None:
    """A line for the reader, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def heading(number: int, of: int, text: str) -> None:
    """The title of a step."""
    show(f"\n[{number}/{of}] {text}")


def progress(text: str, *, last: bool = False) -> None:
    """A line that the next one overwrites on a terminal; elsewhere only the last is written."""
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\033[K  … {text}" + ("\n" if last else ""))
        sys.stdout.flush()
    elif last:
        show(f"  … {text}")


def table(rows: list[dict[str, Any]]) -> None:
    """Rows under their column names."""
    if not rows:
        show("  (no rows)")
        return
    names = list(rows[0])
    cells = [
        [f"{row[name]:,.1f}" if isinstance(row[name], float) else str(row[name]) for name in names] for row in rows
    ]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(names)]
    for line in [names, ["-" * width for width in widths], *cells]:
        show("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)
