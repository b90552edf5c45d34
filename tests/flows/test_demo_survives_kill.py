"""The demo and its server, killed with SIGKILL at random moments of its jobs and started again: the same rows."""

import random
import tempfile
from pathlib import Path

import pytest

from tests.flows.demo_lives import Contents, differences, life, lived

KILLS = 50
KILLS_OF_A_LIFE = 5
"""So that each package's jobs are met: after more kills than this most of a life's work is done."""


@pytest.fixture(scope="module")
def undisturbed(database: str) -> tuple[Contents, float]:
    """Rows without a kill, and how long the jobs took."""
    with tempfile.TemporaryDirectory() as folder, life(Path(folder) / "calm", database) as calm:
        assert calm.run()
        contents = calm.contents()
        assert contents['"landing"."flights"'][0] == 336_776
        assert contents['"mart"."flight"'][0] == 336_776
        assert contents["lineage"][0] > 0
        return contents, calm.jobs_seconds


@pytest.mark.timeout(240)
def test_four_kills_of_the_demo_leave_the_rows_of_a_run_without(
    database: str, tmp_path: Path, undisturbed: tuple[Contents, float]
) -> None:
    expected, seconds = undisturbed
    moments = random.Random(4)
    kills = 0
    number = 0
    while kills < 4:
        number += 1
        with life(tmp_path / str(number) / "killed", database) as killed:
            lived(killed, moments, 4 - kills, seconds)
            assert not differences(expected, killed.contents())
            kills += len(killed.killed_in)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifty_kills_of_the_demo_leave_the_rows_of_a_run_without(
    database: str, tmp_path: Path, undisturbed: tuple[Contents, float]
) -> None:
    expected, seconds = undisturbed
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - to run a failure again
    moments = random.Random(seed)
    killed_in: list[str] = []
    lives = 0
    while len(killed_in) < KILLS:
        lives += 1
        with life(tmp_path / str(lives) / "killed", database) as killed:
            lived(killed, moments, min(KILLS_OF_A_LIFE, KILLS - len(killed_in)), seconds)
            assert not differences(expected, killed.contents()), f"life {lives}, killed in {killed.killed_in}"
            killed_in += killed.killed_in
    counts = {what or "between jobs": killed_in.count(what) for what in sorted(set(killed_in))}
    print(f"{len(killed_in)} kills in {lives} lives: {counts}")  # noqa: T201 - what the run was worth
    for kind in ("ingest", "vault"):
        assert any(kind in each for each in killed_in), f"no kill met a job of {kind}: {counts}"
