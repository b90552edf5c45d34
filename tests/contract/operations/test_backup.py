"""Back up, restore, doctor: through the command, on real data."""

from pathlib import Path

import httpx
import pytest

from tests.serving import Served, serving


@pytest.fixture
def stopped(tmp_path: Path) -> Served:
    with serving(tmp_path / "data", "sqlite") as served:
        served.stop()
        return served


def test_what_was_backed_up_serves_again_from_another_folder(stopped: Served, tmp_path: Path) -> None:
    archive = tmp_path / "all.tar.gz"
    stopped.cli("backup", str(archive))
    stopped.data_dir = tmp_path / "elsewhere"
    stopped.cli("restore", str(archive))
    stopped.start()
    try:
        answer = httpx.get(f"{stopped.url}/identity/me", headers={"authorization": f"Bearer {stopped.admin.token}"})
        assert answer.json()["id"] == stopped.admin.id
    finally:
        stopped.stop()


def test_a_served_folder_is_not_backed_up(stopped: Served, tmp_path: Path) -> None:
    stopped.start()
    try:
        done = stopped.cli("backup", str(tmp_path / "x.tar.gz"), check=False)
        assert done.returncode == 2
        assert "another Tessera serves" in done.stderr
        assert not (tmp_path / "x.tar.gz").exists()
    finally:
        stopped.stop()


def test_nothing_is_restored_over_data_or_from_what_is_no_backup(stopped: Served, tmp_path: Path) -> None:
    archive = tmp_path / "all.tar.gz"
    stopped.cli("backup", str(archive))
    assert "holds data already" in stopped.cli("restore", str(archive), check=False).stderr
    (tmp_path / "no.tar.gz").write_text("no archive")
    stopped.data_dir = tmp_path / "empty"
    assert "can not be read" in stopped.cli("restore", str(tmp_path / "no.tar.gz"), check=False).stderr
    assert not (tmp_path / "empty" / "tessera.sqlite3").exists()


def test_doctor_names_what_is_wrong(stopped: Served) -> None:
    done = stopped.cli("doctor", check=False)
    assert "ok   schema at revision" in done.stdout
