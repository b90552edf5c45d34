"""Step of the demo: the catalogue knows the warehouse by itself; people add owner, steward and tags."""

import time
from typing import Any, Final

from tessera.demo.server import EMAIL
from tessera.demo.show import Caller, DemoFailed, progress, show

WAIT_SECONDS: Final = 30


def describe(caller: Caller) -> None:
    """Put owner, steward and tags on what the catalogue found, and read the lineage back."""
    workspaces = caller.call("GET", "/catalog/v2/workspaces")
    version = workspaces["projects"][0]["defaultVersionId"]
    tables = _tables(caller, version, {"landing\\flights", "landing\\planes", "mart\\flight", "mart\\plane"})
    for name, summary in (("flight", "Flights that left New York City in 2013"), ("plane", "Planes that flew them")):
        found = tables[f"mart\\{name}"]
        body = {
            "summary": summary,
            "owners": [EMAIL],
            "stewards": [EMAIL],
            "tags": ["Marketing"],
            "status": "Validated",
        }
        caller.call("PATCH", f"/catalog/v2/structures/{version}/{found['id']}", body)
    plane = tables["mart\\plane"]["id"]
    show("\n  Where does mart.plane come from?")
    caller.call("GET", f"/catalog/v2/lineage/{version}/{plane}?direction=upstream&depth=6")


def _tables(caller: Caller, version: str, names: set[str]) -> dict[str, Any]:
    """The structures by schema and name, once the catalogue has heard of all in ``names``."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        query = f"/catalog/v2/structures?versionId={version}&limit=1000"
        listed = caller.call("GET", query, quiet=True)["results"]
        found = {"\\".join(one["path"].split("\\")[-2:]): one for one in listed}
        if names <= set(found):
            progress(f"the catalogue found {len(listed)} tables by itself", last=True)
            return found
        if time.monotonic() > deadline:
            raise DemoFailed(f"the catalogue has heard of {sorted(found)} alone, not of all of {sorted(names)}")
        time.sleep(0.2)
