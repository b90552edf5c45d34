"""Structured logs: one JSON object a line on standard error, readable text on a terminal."""

import logging
import sys
from typing import Any

import msgspec
import structlog


def set_up(level: str, *, stream: Any = None) -> None:
    """Send all log lines of at least this level to standard error. Call once, before the first line."""
    out = stream or sys.stderr
    least = getattr(logging, level.upper())
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if out.isatty():
        structlog.configure(
            processors=[*common, structlog.dev.ConsoleRenderer()],
            wrapper_class=structlog.make_filtering_bound_logger(least),
            logger_factory=structlog.PrintLoggerFactory(out),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[
                *common,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(serializer=_encode),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(least),
            logger_factory=structlog.BytesLoggerFactory(getattr(out, "buffer", None)),
            cache_logger_on_first_use=True,
        )
    logging.basicConfig(level=logging.WARNING, stream=out, force=True)


def logger(name: str) -> Any:
    """A logger whose lines carry ``room=name``."""
    return structlog.get_logger(room=name)


def _encode(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)
