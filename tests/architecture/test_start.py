"""What a server loads before its first request: nothing heavy that only a job, a file or a rare sign-in needs."""

import pkgutil
from pathlib import Path

from tessera.app import PACKAGES
from tests.serving import serving

HEAVY = {"pyarrow", "numpy", "pandas", "webauthn", "boto3", "botocore", "openpyxl", "PIL"}
"""Arrow and numpy alone are 40 MB and a quarter of a second."""


def test_a_server_that_nobody_asks_has_loaded_nothing_heavy(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "sqlite", PYTHONPROFILEIMPORTTIME="1") as served:
        served.stop()
        served.start()
        told = [line.rsplit("|", 1)[1].strip() for line in served.log().splitlines() if line.startswith("import time:")]
    loaded = {name.split(".")[0] for name in told}
    assert {"tessera", "sqlglot", "duckdb"} <= loaded, "the list of imports is not the server's"
    assert not loaded & HEAVY
    assert "alembic" not in loaded, "a database at its newest revision needs no migration"


def test_the_function_of_every_kind_of_job_is_where_its_path_says() -> None:
    kinds = [kind for package in PACKAGES for kind in package.job_kinds]
    assert any(isinstance(kind.run, str) for kind in kinds)
    for kind in kinds:
        if isinstance(kind.run, str):
            module, _, name = kind.run.partition(":")
            assert module.startswith("tessera.")
            assert name
            assert callable(pkgutil.resolve_name(kind.run)), kind.name
