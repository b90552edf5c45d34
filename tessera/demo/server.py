"""The demo's server: the same command as anybody's, in a process of its own, and its administrator."""

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

from tessera.demo.show import DemoFailed

USERNAME: Final = "demo"
EMAIL: Final = "demo@tessera.invalid"
READY_SECONDS: Final = 60


@contextlib.contextmanager
def running(data_dir: Path, host: str, port: int, *, files: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A server on ``data_dir``; its address and its process. It ends with the block."""
    url = f"http://{host}:{port}"
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(f"{url}/healthz", timeout=2)
        raise DemoFailed(f"something answers at {url} already; stop it, or say --port")
    folders = [str(files.absolute()), *filter(None, os.environ.get("TESSERA_INGEST_LOCAL_FOLDERS", "").split(","))]
    environment = {**os.environ, "TESSERA_INGEST_LOCAL_FOLDERS": ",".join(folders)}
    log = (data_dir / "server.log").open("ab")
    command = [*_tessera(), "serve", "--data-dir", str(data_dir), "--host", host, "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=log, stdout=log)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            if process.poll() is not None:
                raise DemoFailed(f"the server ended with {process.returncode}; see {data_dir / 'server.log'}")
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                    break
            if time.monotonic() > deadline:
                raise DemoFailed(f"the server was not ready in {READY_SECONDS} s; see {data_dir / 'server.log'}")
            time.sleep(0.05)
        yield url, process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        log.close()


def make_administrator(data_dir: Path) -> str:
    """Make the demo's administrator, or give the one of an earlier run a new password; the password."""
    password = secrets.token_urlsafe(15)
    made = _run(data_dir, password, "admin", "create", "--email", EMAIL, "--username", USERNAME, "--password-stdin")
    if made.returncode:
        again = _run(data_dir, password, "user", "set-password", USERNAME, "--password-stdin")
        if again.returncode:
            raise DemoFailed(made.stderr + again.stderr)
    return password


def _run(data_dir: Path, stdin: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [*_tessera(), *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)


def _tessera() -> list[str]:
    return [sys.executable, "-m", "tessera"]
