"""Jobs over REST and the command line: who sees them, who acts on them, what a page is."""

import json
from collections.abc import Iterator

import pytest

from tessera.kernel import jobs_store as store
from tessera.kernel.db import Database
from tessera.kernel.jobs import JobKind, JobRun, Jobs, LeaseLost
from tests.serving import Served, unique, until


def _never(run: JobRun) -> None:
    """The kind's name is unknown to the server, so its jobs stay as the test puts them."""


@pytest.fixture
def db(server: Served) -> Iterator[Database]:
    """The server's own database, opened beside it as the command line does."""
    url = server.environment.get("TESSERA_DATABASE_URL") or f"sqlite:///{server.data_dir / 'tessera.sqlite3'}"
    database = Database(url)
    yield database
    database.close()


class Bench:
    """Queues jobs of a kind of its own."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.kind = unique("test.kind")
        self.jobs = Jobs([JobKind(name=self.kind, run=_never, title="A test's job")])

    def enqueue(self, package: str = "vault", by: str | None = None) -> str:
        return self.db.write_now(lambda tx: self.jobs.enqueue(tx, self.kind, {"n": 1}, package=package, by=by))

    def claim(self) -> JobRun:
        (row,) = self.db.write_now(store.claim, "test", {self.kind: 60}, 1)
        fields = {"job_id": row.id, "kind": row.kind, "package": row.package, "args": row.args}
        return JobRun(**fields, attempt=row.attempt, created_by=None, saved=None, lease_seconds=60)

    def fail(self, run: JobRun, error: str) -> None:
        report = run.report()
        assert report is not None
        assert self.db.write_now(store.end, run.job_id, run.attempt, report, state="failed", error=error)


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db)


def test_a_job_looks_like_this(server: Served, bench: Bench) -> None:
    person = server.person(vault="dvb_user")
    job_id = bench.enqueue(by=person.id)
    with server.http("identity", person.token) as http:
        answer = http.get(f"/jobs/{job_id}")
    assert answer.status_code == 200
    job = answer.json()
    times = {name: job.pop(name) for name in ("createdAt", "runAfter")}
    assert all(len(time) == 27 and time.endswith("Z") for time in times.values())
    assert job == {
        "id": job_id,
        "kind": bench.kind,
        "package": "vault",
        "title": "A test's job",
        "state": "queued",
        "attempt": 0,
        "failures": 0,
        "isCancelRequested": False,
        "progress": {"done": None, "total": None, "text": None},
        "rows": {"read": 0, "written": 0, "rejected": 0},
        "result": None,
        "error": None,
        "schedule": None,
        "dueAt": None,
        "createdBy": person.id,
        "startedAt": None,
        "finishedAt": None,
    }


def test_pages_and_filters(server: Served, bench: Bench) -> None:
    ids = [bench.enqueue("vault") for _ in range(3)] + [bench.enqueue("catalog") for _ in range(2)]
    with server.http("identity", server.admin.token) as http:
        seen: list[str] = []
        after: str | None = None
        while True:
            query = {"kind": bench.kind, "limit": "2"} | ({"after": after} if after else {})
            page = http.get("/jobs", params=query).json()
            seen += [job["id"] for job in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert seen == ids[::-1]
        only = http.get("/jobs", params={"kind": bench.kind, "package": "catalog"}).json()["items"]
        assert [job["id"] for job in only] == ids[:2:-1]
        assert http.post(f"/jobs/{ids[0]}/cancel").status_code == 200
        ended = http.get("/jobs", params={"kind": bench.kind, "state": "cancelled,failed"}).json()["items"]
        assert [job["id"] for job in ended] == [ids[0]]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"state": "done"}, "state"), ({"package": "kitchen"}, "package"), ({"after": "x"}, "after")],
    ids=lambda value: str(value),
)
def test_a_filter_that_cannot_be_is_refused(server: Served, query: dict[str, str], field: str) -> None:
    with server.http("identity", server.admin.token) as http:
        answer = http.get("/jobs", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


def test_only_those_with_a_role_in_its_package_see_a_job(server: Served, bench: Bench) -> None:
    job_id = bench.enqueue("vault")
    stranger = server.person(catalog="Reader")
    with server.http("identity", stranger.token) as http:
        assert http.get("/jobs", params={"kind": bench.kind}).json() == {"items": [], "next": None}
        for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/cancel"), ("POST", "/retry")):
            assert http.request(method, f"/jobs/{job_id}{path}").status_code == 404
    with server.http("identity") as http:
        assert http.get("/jobs").status_code == 401
        assert http.post(f"/jobs/{job_id}/cancel").status_code == 401
    with server.http("identity", server.admin.token) as http:
        assert http.get(f"/jobs/{job_id}").json()["state"] == "queued"


def test_only_its_maker_or_an_administrator_cancels_and_retries(server: Served, bench: Bench) -> None:
    maker, colleague = server.person(vault="dvb_user"), server.person(vault="dvb_admin")
    job_id = bench.enqueue("vault", by=maker.id)
    with server.http("identity", colleague.token) as http:
        assert http.get(f"/jobs/{job_id}").status_code == 200
        assert http.post(f"/jobs/{job_id}/cancel").status_code == 403
    with server.http("identity", maker.token) as http:
        assert http.post(f"/jobs/{job_id}/retry").status_code == 409
        assert http.post(f"/jobs/{job_id}/cancel").json()["state"] == "cancelled"
        assert http.post(f"/jobs/{job_id}/cancel").status_code == 409
    with server.http("identity", server.admin.token) as http:
        answer = http.post(f"/jobs/{job_id}/retry")
        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["isCancelRequested"]) == ("queued", False)


def test_a_token_without_the_right_scope_does_not_act(server: Served, bench: Bench) -> None:
    maker = server.person(vault="dvb_user")
    job_id = bench.enqueue("vault", by=maker.id)
    reads = server.mint(maker.email, maker.password, scopes=["identity:write", "vault:read"])
    with server.http("identity", reads) as http:
        assert http.get(f"/jobs/{job_id}").status_code == 200
        assert http.post(f"/jobs/{job_id}/cancel").status_code == 403
    elsewhere = server.mint(maker.email, maker.password, scopes=["identity:write"])
    with server.http("identity", elsewhere) as http:
        assert http.get(f"/jobs/{job_id}").status_code == 404


def test_a_running_job_shows_progress_and_log_and_hears_of_a_cancel(server: Served, bench: Bench) -> None:
    job_id = bench.enqueue("vault")
    run = bench.claim()
    run.progress(3, 10, "reading")
    run.count(read=300, written=290, rejected=10)
    for number in range(5):
        run.log(f"line {number}")
    beat = store.Beat(run.job_id, run.attempt, 60, run.report())
    assert bench.db.write_now(store.beat, "test", [beat]) == {job_id: "held"}
    with server.http("identity", server.admin.token) as http:
        job = http.get(f"/jobs/{job_id}").json()
        assert (job["state"], job["attempt"]) == ("running", 1)
        assert job["progress"] == {"done": 3, "total": 10, "text": "reading"}
        assert job["rows"] == {"read": 300, "written": 290, "rejected": 10}
        first = http.get(f"/jobs/{job_id}/log", params={"limit": 3}).json()
        rest = http.get(f"/jobs/{job_id}/log", params={"limit": 3, "after": first["next"]}).json()
        assert [line["line"] for line in first["items"] + rest["items"]] == [f"line {n}" for n in range(5)]
        assert rest["next"] is None
        asked = http.post(f"/jobs/{job_id}/cancel").json()
        assert (asked["state"], asked["isCancelRequested"]) == ("running", True)
    assert bench.db.write_now(store.beat, "test", [store.Beat(job_id, 1, 60, None)]) == {job_id: "cancel"}


def test_a_failed_job_shows_its_error_and_can_be_retried(server: Served, bench: Bench) -> None:
    job_id = bench.enqueue("vault")
    run = bench.claim()
    bench.fail(run, "column x is not in the table")
    with server.http("identity", server.admin.token) as http:
        job = http.get(f"/jobs/{job_id}").json()
        assert (job["state"], job["error"]) == ("failed", "column x is not in the table")
        assert http.post(f"/jobs/{job_id}/retry").json()["error"] is None
    with pytest.raises(LeaseLost):
        bench.db.write_now(run.fence)


@pytest.mark.parametrize("job_id", ["00000000-0000-4000-8000-000000000000", "x"])
def test_there_is_no_such_job(server: Served, job_id: str) -> None:
    with server.http("identity", server.admin.token) as http:
        for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/cancel"), ("POST", "/retry")):
            assert http.request(method, f"/jobs/{job_id}{path}").status_code in (400, 404)


def test_the_command_does_the_same(server: Served, bench: Bench) -> None:
    job_id = bench.enqueue("vault")
    assert job_id in server.cli("job", "list", "--state", "queued", "--package", "vault").stdout
    shown = json.loads(server.cli("job", "show", job_id, "--json").stdout)
    assert (shown["job"]["id"], shown["job"]["state"], shown["log"]) == (job_id, "queued", [])
    assert "cancelled" in server.cli("job", "cancel", job_id).stdout
    refused = server.cli("job", "cancel", job_id, check=False)
    assert refused.returncode == 1
    assert refused.stderr == f"tessera: job {job_id} has ended already: it is cancelled\n"
    assert "queued" in server.cli("job", "retry", job_id).stdout
    missing = server.cli("job", "show", "nonsense", check=False)
    assert (missing.returncode, missing.stderr) == (1, "tessera: there is no job nonsense\n")
    with server.http("identity", server.admin.token) as http:
        until(lambda: http.get(f"/jobs/{job_id}").json()["state"] == "queued")
