"""How the objects of a model fit together: which load gives a key, what depends on what, in which order loads run.

Source: contracts/vault.md, 3.5, 5.1 and 5.4
"""

from tessera.kernel.errors import Invalid
from tessera.vault.model import (
    KINDS,
    HubLoad,
    Job,
    Link,
    LinkLoad,
    Model,
    Object,
    Output,
    Satellite,
    StagingTable,
)

Load = HubLoad | LinkLoad | Satellite


def load_id_of(load: Load) -> str:
    """The id under which a load is marked and logged."""
    if isinstance(load, HubLoad):
        return load.hub_load_id
    return load.link_load_id if isinstance(load, LinkLoad) else load.satellite_id


def target_of(load: Load) -> str:
    """The id of the hub, link or satellite that it fills."""
    if isinstance(load, HubLoad):
        return load.hub_id
    return load.link_id if isinstance(load, LinkLoad) else load.satellite_id


def participant_loads(model: Model, link: Link, load: LinkLoad) -> dict[str, HubLoad]:
    """For each participant the hub load, from the link load's own staging table, that gives its key.

    Raises:
        Invalid: there is none, or more than one and the link load does not name which.
    """
    found: dict[str, HubLoad] = {}
    unknown = set(load.hub_loads) - set(link.participants)
    if unknown:
        raise Invalid(
            f"hub_loads names {min(unknown)!r}, which is no participant of {link.link_id}: "
            f"{', '.join(link.participants)}",
            field="hub_loads",
        )
    for participant, hub_id in link.participants.items():
        here = [
            one
            for one in model.hub_loads.values()
            if one.hub_id == hub_id and one.staging_table_id == load.staging_table_id
        ]
        named = load.hub_loads.get(participant)
        if named is not None:
            here = [one for one in here if one.hub_load_id == named]
        if len(here) != 1:
            reason = "there is none" if not here else f"there are {len(here)}; name one in hub_loads"
            raise Invalid(
                f"link load {load.link_load_id} needs one hub load of {hub_id} from {load.staging_table_id} for "
                f"{participant!r}: {reason}",
                field="hub_loads",
            )
        found[participant] = here[0]
    return found


def parent_load(model: Model, satellite: Satellite) -> HubLoad | LinkLoad:
    """The load, from the satellite's own staging table, that gives its parent's key.

    Raises:
        Invalid: there is none, or more than one and the satellite does not name which.
    """
    loads: list[HubLoad | LinkLoad] = [*model.hub_loads.values(), *model.link_loads.values()]
    here = [
        one
        for one in loads
        if target_of(one) == satellite.parent_id and one.staging_table_id == satellite.staging_table_id
    ]
    if satellite.parent_load_id is not None:
        here = [one for one in here if load_id_of(one) == satellite.parent_load_id]
    if len(here) != 1:
        reason = "there is none" if not here else f"there are {len(here)}; name one in parent_load_id"
        raise Invalid(
            f"satellite {satellite.satellite_id} needs one load of {satellite.parent_id} from "
            f"{satellite.staging_table_id}: {reason}",
            field="parent",
        )
    return here[0]


def loads_from(model: Model, staging_table_id: str) -> list[list[Load]]:
    """The loads out of one staging table in stages: hubs, then links and satellites of hubs, then those of links."""
    hubs: list[Load] = [one for one in model.hub_loads.values() if one.staging_table_id == staging_table_id]
    middle: list[Load] = [one for one in model.link_loads.values() if one.staging_table_id == staging_table_id]
    last: list[Load] = []
    for satellite in model.satellites.values():
        if satellite.staging_table_id == staging_table_id:
            (last if satellite.parent_id in model.links else middle).append(satellite)
    return [sorted(stage, key=load_id_of) for stage in (hubs, middle, last) if stage]


def outputs_over(model: Model, targets: set[str]) -> list[Output]:
    """The outputs that read one of these hubs, links or satellites."""
    return [
        output
        for output in model.outputs.values()
        if {output.source, *satellites_of(model, output)} & targets
        or set(model.links[output.source].hub_ids if output.source in model.links else ()) & targets
    ]


def satellites_of(model: Model, output: Output) -> list[str]:
    """The satellites that an output shows: those it names, else every single-active one of its source."""
    if output.satellites is not None:
        return list(output.satellites)
    return sorted(
        one.satellite_id
        for one in model.satellites.values()
        if one.parent_id == output.source and not one.multi_active_keys
    )


def staging_of(model: Model, job: Job) -> list[StagingTable]:
    """The staging tables of the job's system; a manual job's loads may need fewer."""
    tables = [one for one in model.staging_tables.values() if one.system_id == job.system_id]
    if job.job_type == "manual":
        wanted = {load.staging_table_id for load in named_loads(model, job.job_loads)}
        tables = [one for one in tables if one.staging_table_id in wanted]
    return sorted(tables, key=lambda one: one.staging_table_id)


def named_loads(model: Model, load_ids: list[str]) -> list[Load]:
    """The loads of these ids.

    Raises:
        Invalid: one does not exist.
    """
    everything: dict[str, Load] = {**model.hub_loads, **model.link_loads, **model.satellites}
    for load_id in load_ids:
        if load_id not in everything:
            raise Invalid(f"there is no load {load_id!r}", field="job_loads")
    return [everything[load_id] for load_id in load_ids]


def references(one: Object) -> set[tuple[str, str]]:
    """What an object cannot do without, as (kind, id)."""
    match one:
        case StagingTable() | Job():
            return {("systems", one.system_id)}
        case HubLoad():
            return {("hubs", one.hub_id), ("staging_tables", one.staging_table_id)}
        case Link():
            return {("hubs", hub) for hub in one.hub_ids}
        case LinkLoad():
            named = {("hub_loads", load) for load in one.hub_loads.values()}
            return {("links", one.link_id), ("staging_tables", one.staging_table_id), *named}
        case Satellite():
            parent = {(kind, one.parent_id) for kind in ("hubs", "links")}
            return {*parent, ("staging_tables", one.staging_table_id)}
        case Output():
            shown = {("satellites", satellite) for satellite in one.satellites or ()}
            return {("hubs", one.source), ("links", one.source), *shown}
        case _:
            return set()


def dependents(model: Model, kind: str, object_id: str) -> list[tuple[str, str]]:
    """Everything that would stand without this object, nearest first, as (kind, id).

    A load of a link or satellite also depends on the hub load that gives its key, though it does not name it.
    """
    found: list[tuple[str, str]] = []
    queue = [(kind, object_id)]
    while queue:
        wanted = queue.pop(0)
        for other_kind in KINDS:
            for other_id, other in model.of(other_kind).items():
                if (other_kind, other_id) in found or (other_kind, other_id) == (kind, object_id):
                    continue
                if wanted in references(other) or wanted in _implied(model, other):
                    found.append((other_kind, other_id))
                    queue.append((other_kind, other_id))
    # The system's own default job goes with the system.
    return [one for one in found if one[0] != "jobs" or one[1] != default_job(object_id)]


def _implied(model: Model, one: Object) -> set[tuple[str, str]]:
    try:
        if isinstance(one, LinkLoad) and one.link_id in model.links:
            loads = participant_loads(model, model.links[one.link_id], one)
            return {("hub_loads", load.hub_load_id) for load in loads.values()}
        if isinstance(one, Satellite):
            load = parent_load(model, one)
            return {("hub_loads" if isinstance(load, HubLoad) else "link_loads", load_id_of(load))}
    except Invalid:
        return set()
    return set()


def default_job(system_id: str) -> str:
    """The id of the job that each system has by itself."""
    return f"{system_id}_j_default"


def stage_of(model: Model, load: Load) -> int:
    """0 for hubs; 1 for links and what describes hubs; 2 for what describes links. Source: contracts/vault.md, 5.1"""
    if isinstance(load, HubLoad):
        return 0
    return 2 if isinstance(load, Satellite) and load.parent_id in model.links else 1
