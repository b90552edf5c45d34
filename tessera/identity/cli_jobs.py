"""The command `tessera job`: look at jobs, cancel and retry them, with or without a running server on the same data."""

from typing import Annotated, Literal

import msgspec
from cyclopts import App, Parameter

from tessera.identity.cli import DataDir, open_database
from tessera.kernel import jobs
from tessera.kernel.jobs import Job

job = App(name="job", help="Jobs: everything that runs longer than a request.")

StateWord = Literal["queued", "running", "succeeded", "failed", "cancelled"]
AsJson = Annotated[bool, Parameter(name="--json", help="One JSON document instead of text.")]
JobId = Annotated[str, Parameter(help="The job's id.")]


@job.command(name="list")
def list_jobs(
    *,
    state: Annotated[list[StateWord] | None, Parameter(help="Only jobs in this state; may be given again.")] = None,
    package: Annotated[list[str] | None, Parameter(help="Only jobs of this package; may be given again.")] = None,
    limit: Annotated[int, Parameter(help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """The newest jobs."""
    with open_database(data_dir) as db:
        found = db.read_now(jobs.page_jobs, packages=package, states=state or (), limit=limit)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for each in found:
        print(f"{each.id}  {each.state:<9}  {each.created_at[:19]}Z  {each.package:<10}  {each.title}")


@job.command
def show(job_id: JobId, *, log: bool = True, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """One job with its log.

    Parameters
    ----------
    log
        With its log.
    """
    with open_database(data_dir) as db:
        found = db.read_now(jobs.read_job, job_id)
        lines = db.read_now(jobs.page_lines, job_id) if log else []
    if as_json:
        print(msgspec.json.encode({"job": found, "log": lines}).decode())
        return
    _print(found)
    for line in lines:
        print(f"  {line.at}  {line.line}")


@job.command
def cancel(job_id: JobId, *, data_dir: DataDir = None) -> None:
    """End a queued job at once, a running one at its next step."""
    with open_database(data_dir) as db:
        _print(db.write_now(jobs.cancel_job, job_id))


@job.command
def retry(job_id: JobId, *, data_dir: DataDir = None) -> None:
    """Queue a failed or cancelled job again; it goes on where it stopped."""
    with open_database(data_dir) as db:
        _print(db.write_now(jobs.retry_job, job_id))


def _print(found: Job) -> None:
    asked = " (cancel requested)" if found.is_cancel_requested and found.state == "running" else ""
    print(f"{found.id}: {found.title}")
    print(f"  {found.kind} of {found.package}, {found.state}{asked}, attempt {found.attempt}")
    if found.progress.done is not None or found.progress.text:
        of = f" of {found.progress.total}" if found.progress.total is not None else ""
        print(f"  progress: {found.progress.done}{of} {found.progress.text or ''}".rstrip())
    print(f"  rows: {found.rows.read} read, {found.rows.written} written, {found.rows.rejected} rejected")
    print(f"  created {found.created_at}, started {found.started_at or '-'}, finished {found.finished_at or '-'}")
    if found.error:
        print(f"  error: {found.error}")
    if found.result is not None:
        print(f"  result: {msgspec.json.encode(found.result).decode()}")
