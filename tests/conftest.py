"""Fixtures that every folder of tests shares: a real server on each database."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Served, has_postgres, serving


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql", "both"], default="both", help="which databases")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--database")
        names = ["sqlite", "postgresql"] if chosen == "both" else [chosen]
        metafunc.parametrize("database", names, scope="session", indirect=True)


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``: the metadata database and the warehouse of the server."""
    name = str(request.param)
    if name == "postgresql" and not has_postgres():
        pytest.skip("this machine has no PostgreSQL")
    return name


@pytest.fixture(scope="session")
def server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server that most tests share."""
    with serving(tmp_path_factory.mktemp(f"data-{database}"), database) as served:
        yield served


@pytest.fixture
def own_server(database: str, tmp_path: Path) -> Iterator[Served]:
    """A server for a test that stops, kills or restarts it."""
    with serving(tmp_path / "data", database) as served:
        yield served


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what this machine lacks and how many tests it cost."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        listed = "; ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
        terminalreporter.write_line(f"skipped {sum(reasons.values())}: {listed}", yellow=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped (see `.ci/run`), a skip is a failure."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if os.environ.get("TESSERA_TEST_NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = 1
