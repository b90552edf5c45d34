"""Starts the real server as a process for tests, and makes people and tokens through its own doors."""

import contextlib
import itertools
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

T = TypeVar("T")
ROOT = Path(__file__).parent.parent
POSTGRES = os.environ.get("TESSERA_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
BASES = {
    "production": "/production",
    "catalog": "/catalog/v2",
    "semantic": "/semantic",
    "ingest": "/ingest",
    "vault": "/vault",
    "identity": "/identity",
    "": "",
}
JWT_SECRET = "a-secret-for-tests-alone-" * 4
API_AUTH_SALT = "a-salt-for-tests-alone"
_numbers = itertools.count(1)


def unique(word: str = "x") -> str:
    """A name that no other test uses."""
    return f"{word}_{next(_numbers)}_{secrets.token_hex(3)}"


def until(condition: Callable[[], T], *, seconds: float = 20, every: float = 0.05) -> T:
    """The first true result of ``condition``, polled; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s; last: {result!r}")
        time.sleep(every)


@dataclass
class Person:
    """A principal of a test, and how it signs in."""

    id: str
    email: str
    username: str
    password: str
    token: str
    """An opaque token for all packages in which the person has a role."""


@dataclass
class Served:
    """One server process and its data."""

    data_dir: Path
    database: str
    environment: dict[str, str] = field(default_factory=dict)
    url: str = ""
    drop: Path = Path()
    """A folder that ingest's LOCAL connections may read."""
    process: "subprocess.Popen[bytes] | None" = None
    admin: Person = field(default_factory=lambda: Person("", "", "", "", ""))
    _lines: list[str] = field(default_factory=list)

    # -- the process -------------------------------------------------------------------------------------------------

    def start(self, *, seconds: float = 30) -> None:
        """Start and wait until it is ready."""
        self._lines = []
        port = self.url.rsplit(":", 1)[1] if self.url else "0"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tessera", "serve", "--data-dir", str(self.data_dir), "--port", port],
            cwd=ROOT,
            env=self._env(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        threading.Thread(target=self._collect, args=(self.process, self._lines), daemon=True).start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                time.sleep(0.1)
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            found = re.search(r'"url":"(http://[^"]+)"', self.log())
            if found:
                self.url = found.group(1)
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(f"{self.url}/readyz").status_code == 200:
                        return
            time.sleep(0.02)
        raise AssertionError(f"the server was not ready in {seconds} s:\n{self.log()}")

    @staticmethod
    def _collect(process: "subprocess.Popen[bytes]", lines: list[str]) -> None:
        assert process.stderr is not None
        with process.stderr as stream:
            for line in stream:
                lines.append(line.decode(errors="replace"))  # noqa: PERF401 - a reader looks at it meanwhile

    def _env(self) -> dict[str, str]:
        return {**os.environ, "JWT_SECRET": JWT_SECRET, "API_AUTH_SALT": API_AUTH_SALT, **self.environment}

    def log(self) -> str:
        """What the server has written to its log since its start."""
        return "".join(self._lines)

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the server did not stop in 20 s:\n{self.log()[-3000:]}") from None

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def restart(self) -> None:
        """Stop and start on the same data and port."""
        self.stop()
        self.start()

    def cli(self, *arguments: str, stdin: str = "", check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run the command ``tessera`` on the same data."""
        done = subprocess.run(
            [sys.executable, "-m", "tessera", *arguments],
            cwd=ROOT,
            env={**self._env(), "TESSERA_DATA_DIR": str(self.data_dir)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"tessera {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done

    # -- callers -----------------------------------------------------------------------------------------------------

    def base(self, package: str) -> str:
        """The package's base URL."""
        return self.url + BASES[package]

    def http(self, package: str = "", token: str | None = None, **headers: str) -> httpx.Client:
        """A client at the package's base URL; ``token`` goes into ``Authorization: Bearer``."""
        sent = dict(headers)
        if token:
            sent["authorization"] = f"Bearer {token}"
        return httpx.Client(base_url=self.base(package), headers=sent, timeout=60)

    def person(self, *, administrator: bool = False, **roles: str) -> Person:
        """A new person with a role in each package named, such as ``person(vault="dvb_user")``."""
        name = unique("p")
        email, password = f"{name}@example.test", secrets.token_urlsafe(12)
        body: Mapping[str, Any] = {
            "email": email,
            "username": name,
            "firstName": "Test",
            "lastName": name,
            "password": password,
            "roles": roles,
            "isAdministrator": administrator,
        }
        with self.http("identity", self.admin.token) as client:
            answer = client.post("/people", json=body)
            assert answer.status_code == 201, answer.text
            made = answer.json()
        token = self.mint(email, password)
        return Person(made["id"], email, name, password, token)

    def mint(self, login: str, password: str, **options: Any) -> str:
        """Sign in as the console does and make a personal token."""
        with self.http("identity", origin=self.url) as client:
            answer = client.post("/sign-in", json={"login": login, "password": password})
            assert answer.status_code == 200, answer.text
            body = {"kind": "personal", "name": unique("token"), **options}
            answer = client.post("/tokens", json=body, headers={"x-tessera-csrf": "1"})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["token"])


@contextlib.contextmanager
def serving(data_dir: Path, database: str, **environment: str) -> Iterator[Served]:
    """A server on empty data, with an administrator. ``database``: ``sqlite`` or ``postgresql`` (warehouse as well)."""
    with contextlib.ExitStack() as stack:
        if database == "postgresql":
            name = stack.enter_context(postgres_database())
            environment |= {
                "TESSERA_DATABASE_URL": f"{POSTGRES}/{name}",
                "TESSERA_WAREHOUSE_URL": f"{POSTGRES}/{name}",
            }
        drop = data_dir.parent / f"{data_dir.name}-drop"
        drop.mkdir(parents=True, exist_ok=True)
        environment.setdefault("TESSERA_INGEST_LOCAL_FOLDERS", str(drop))
        served = Served(data_dir, database, environment, drop=drop)
        password = secrets.token_urlsafe(12)
        username, email = "root", "root@example.test"
        served.cli("admin", "create", "--email", email, "--username", username, "--password-stdin", stdin=password)
        served.start()
        stack.callback(served.kill)
        served.admin = Person("", email, username, password, served.mint(email, password))
        with served.http("identity", served.admin.token) as client:
            served.admin.id = client.get("/me").json()["id"]
        yield served
        served.stop()


@contextlib.contextmanager
def postgres_database() -> Iterator[str]:
    """An empty database of its own, dropped afterwards."""
    name = f"tessera_test_{secrets.token_hex(6)}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def has_postgres() -> bool:
    """Whether a PostgreSQL server answers."""
    try:
        psycopg.connect(f"{POSTGRES}/postgres", connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True
