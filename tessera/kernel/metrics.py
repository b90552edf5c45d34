"""What `/metrics` shows. Labels are route templates, never paths, so their number stays small."""

from functools import lru_cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

REGISTRY = CollectorRegistry()
_SECONDS = Histogram(
    "tessera_request_seconds",
    "Time from the first byte of a request to the last byte of its answer.",
    ["route", "method"],
    registry=REGISTRY,
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
)
_REQUESTS = Counter("tessera_requests", "Requests answered.", ["route", "method", "status"], registry=REGISTRY)


@lru_cache(4096)
def _series(route: str, method: str, status: int) -> tuple[Histogram, Counter]:
    return _SECONDS.labels(route, method), _REQUESTS.labels(route, method, str(status))


def observe_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    histogram, counter = _series(route, method if method in _METHODS else "other", status)
    histogram.observe(seconds)
    counter.inc()


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def exposition() -> tuple[bytes, str]:
    """The text that Prometheus reads, and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
