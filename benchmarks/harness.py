"""What every bar shares: a figure beside its limit, CPU of a process, and a server that answers constant bytes."""

import contextlib
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Bar:
    """One line of the report. ``bound`` is what we hold ourselves to: the most that ``figure / limit`` may be."""

    name: str
    figure: float
    unit: str
    limit: float | None = None
    bound: float | None = None
    remark: str = ""

    @property
    def ratio(self) -> float | None:
        return None if not self.limit else self.figure / self.limit

    @property
    def holds(self) -> bool | None:
        """Whether the bound is kept; a bar without a limit has its bound in its own unit."""
        if self.bound is None:
            return None
        return (self.figure if self.ratio is None else self.ratio) <= self.bound


def show(bar: Bar) -> str:
    """One readable line."""
    parts = [f"{bar.name:<58} {bar.figure:>10.2f} {bar.unit:<10}"]
    if bar.ratio is not None:
        parts.append(f"limit {bar.limit:>9.2f}  ratio {bar.ratio:>5.2f}")
    if bar.bound is not None:
        parts.append(f"(at most {bar.bound:g}: {'kept' if bar.holds else 'MISSED'})")
    if bar.remark:
        parts.append(bar.remark)
    return "  ".join(parts)


def machine() -> str:
    """What the figures were measured on."""
    cpu = "unknown CPU"
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    parts = [
        f"{cpu}, {os.cpu_count()} cores",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *(f"{name} {version(name)}" for name in ("duckdb", "sqlglot", "sqlalchemy", "uvicorn", "msgspec")),
    ]
    return ", ".join(parts)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, to the nanosecond (`/proc` counts ticks of 10 ms)."""
    return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) gives on Linux


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def cpu_per_request(pid: int, request: Callable[[], object], count: int, *, warm: int = 50) -> float:
    """Milliseconds of the server's CPU for one request, over ``count`` after ``warm``."""
    for _ in range(warm):
        request()
    before = cpu_seconds(pid)
    for _ in range(count):
        request()
    return (cpu_seconds(pid) - before) * 1000 / count


def own_cpu(work: Callable[[], object], count: int, *, warm: int = 20) -> float:
    """Milliseconds of this process' CPU for one call."""
    for _ in range(warm):
        work()
    before = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - before) * 1000 / count


def interleaved(works: "list[Callable[[], float]]", rounds: int = 5) -> list[float]:
    """The median figure of each, measured in turns: what else the machine does falls on all of them alike."""
    measured = [[work() for work in works] for _ in range(rounds)]
    return [statistics.median(figures) for figures in zip(*measured, strict=True)]


def seconds(work: Callable[[], object], *, times: int = 3) -> float:
    """Median wall-clock time of ``work``."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


@contextlib.contextmanager
def constant_server(size: int, *, method: str = "GET", status: int = 200) -> Iterator[tuple[int, httpx.Client]]:
    """This server with one route that answers ``size`` constant bytes; its pid and a client."""
    command = [sys.executable, "-m", "benchmarks.constant", str(size), method, str(status)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            with httpx.Client(base_url=url) as client:
                for _ in range(200):
                    with contextlib.suppress(httpx.HTTPError):
                        client.get("/constant")
                        break
                    time.sleep(0.02)
                yield process.pid, client
        finally:
            process.kill()
