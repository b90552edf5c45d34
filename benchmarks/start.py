"""From the command to the first answer, and what an idle server holds in memory."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Bar, cpu_seconds, resident_mb
from tests.serving import serving


def bars() -> Iterator[Bar]:
    """Bounds: ready in 2 s, idle under 200 MB."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "sqlite") as served:
        taken = []
        for _ in range(3):
            served.stop()
            began = time.perf_counter()
            served.start()
            taken.append(time.perf_counter() - began)
        assert served.process is not None
        pid = served.process.pid
        yield Bar("start until /readyz answers 200 (best of 3)", min(taken), "s", bound=2)
        yield Bar("resident memory after start", resident_mb(pid), "MB", bound=200)
        before = cpu_seconds(pid)
        time.sleep(5)
        yield Bar("CPU while idle", (cpu_seconds(pid) - before) / 5 * 100, "% of one", remark="over 5 s")
