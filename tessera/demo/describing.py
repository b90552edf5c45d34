"""Step of the demo: the catalogue knows the warehouse by itself; people add owner, steward and tags."""

import time
from typing import Any, Final

from tessera.demo.server import EMAIL
from tessera.demo.show import Caller, DemoFailed, progress

WAIT_SECONDS: Final = 30


def describe(caller: Caller) -> None:
    """Put owner, steward and tags on what the catalogue found, and read the lineage back."""
    workspaces = caller.call("GET", "/catalog/v2/workspaces")
    version = workspaces["projects"][0]["defaultVersionId"]
    tables = _tables(caller, version, {"flights", "planes", "airports", "airlines", "weather"})
    for name in ("flights", "planes"):
        found = tables[name]
        body = {
            "summary": f"{name} that left New York City in 2013" if name == "flights" else "planes that flew them",
            "owners": [EMAIL],
            "stewards": [EMAIL],
            "tags": ["Marketing"],
            "status": "Validated",
        }
        caller.call("PATCH", f"/catalog/v2/structures/{version}/{found['id']}", body)


def _tables(caller: Caller, version: str, names: set[str]) -> dict[str, Any]:
    """The structures of these names, once the catalogue has heard of them."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        listed = caller.call("GET", f"/catalog/v2/structures?versionId={version}&limit=1000", quiet=True)["results"]
        found = {one["name"]: one for one in listed if one["name"] in names and "landing" in one["path"]}
        if names <= set(found):
            progress(f"the catalogue found {len(listed)} tables by itself", last=True)
            return found
        if time.monotonic() > deadline:
            raise DemoFailed(f"the catalogue has heard of {sorted(found)} alone, not of {sorted(names)}")
        time.sleep(0.2)
