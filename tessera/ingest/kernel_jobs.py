"""What the kernel knows of COPY jobs: the kind of job that runs one, and what the end of a run means to its job."""

from typing import Final

from tessera.ingest import jobs_store
from tessera.ingest.jobs import COPY_KIND, is_active
from tessera.ingest.model import PACKAGE, JobState
from tessera.kernel.db import Tx
from tessera.kernel.events import Consumer, Event
from tessera.kernel.jobs import JobKind

KIND: Final = JobKind(
    name=COPY_KIND,
    # By its path: readers of files, and Arrow with them, are loaded with the first job and not with the server.
    run="tessera.ingest.copying:run_copy",
    title="Ingest files",
    is_continuous=True,
    lease_seconds=5,
)


def note_kernel_job(tx: Tx, event: Event) -> None:
    """Show in the job's state that the kernel gave its run up, or that somebody cancelled the run itself."""
    if event.package != PACKAGE or event.object_id is None:
        return
    job = jobs_store.find_by_kernel_job(tx, event.object_id)
    if job is None or job.state != JobState.RUNNING or is_active(tx, event.object_id):
        return  # active: it was cancelled, and tried again before this was heard
    if event.name == "job.cancelled":
        jobs_store.note(tx, job.id, state=JobState.PAUSED)
        return
    told = "the job was given up after its server died many times over it; RESUME JOB starts it again"
    jobs_store.note(tx, job.id, state=JobState.FAILED, last_error=told, last_error_at=event.at)


CONSUMER: Final = Consumer(name="ingest.kernel_jobs", matches=("job.failed", "job.cancelled"), handle=note_kernel_job)
