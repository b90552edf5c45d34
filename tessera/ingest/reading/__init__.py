"""From the bytes of one file to Arrow batches and rejected rows. It knows no warehouse and no job."""

from tessera.ingest.reading.batches import Batch, Rejected, Unreadable
from tessera.ingest.reading.files import read_file

__all__ = ["Batch", "Rejected", "Unreadable", "read_file"]
