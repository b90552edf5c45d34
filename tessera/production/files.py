"""Declarations: working and output files.

Source: contracts/production.md, 4, Files and tools
"""

from typing import Final

from tessera.kernel.resources import Backlinks, Embedded, Verbs, choice, document, flag, integer, text
from tessera.production import file_rules as rules
from tessera.production.access import ANYONE, NOT_VENDOR, Role, by_task
from tessera.production.declare import VALIDATIONS, model, person, shotgun_id, table_name, to

WORKING_FILE: Final = model(
    "working_file",
    "working-files",
    "WorkingFile",
    Verbs(NOT_VENDOR, ANYONE, Role.ADMIN, ANYONE, Role.ADMIN),
    shotgun_id(),
    text("name", max_length=250),
    text("description"),
    text("comment"),
    integer("revision"),
    integer("size"),
    integer("checksum"),
    text("path", max_length=400),
    document("data"),
    choice("validation_status", *VALIDATIONS, nullable=False, default="neutral"),
    to("task_id", "task"),
    to("entity_id", "entity"),
    person("person_id"),
    to("software_id", "software"),
    unique=(("name", "task_id", "entity_id", "revision"),),
    relations=(Backlinks("outputs", table_name("output_file"), "source_file_id"),),
    listed=by_task(entity="entity_id", only_open=True),
    readable=by_task(entity="entity_id"),
    on_update=(rules.by_task_action,),
)
OUTPUT_FILE: Final = model(
    "output_file",
    "output-files",
    "OutputFile",
    Verbs(NOT_VENDOR, ANYONE, Role.ADMIN, ANYONE, Role.ADMIN),
    shotgun_id(),
    integer("size"),
    text("name", nullable=False, max_length=250),
    flag("canceled", nullable=False, default=False),
    text("checksum", max_length=32),
    text("description"),
    text("comment"),
    text("extension", max_length=10),
    integer("revision", nullable=False),
    text("representation", max_length=20),
    integer("nb_elements", default=1),
    text("source", max_length=40),
    text("path", max_length=400),
    document("data"),
    choice("quality", "low", "mid", "high"),
    to("file_status_id", "file_status", nullable=False),
    to("entity_id", "entity"),
    to("temporal_entity_id", "entity"),
    to("asset_instance_id", "asset_instance"),
    to("output_type_id", "output_type"),
    to("task_type_id", "task_type"),
    person("person_id"),
    to("source_file_id", "working_file"),
    unique=(
        (
            *("name", "entity_id", "asset_instance_id", "output_type_id"),
            *("task_type_id", "temporal_entity_id", "representation", "revision"),
        ),
    ),
    relations=(Embedded("source_file", "source_file_id", WORKING_FILE),),
    listed=by_task(entity="entity_id", only_open=True),
    readable=by_task(entity="entity_id"),
    on_update=(rules.by_entity,),
)

RESOURCES: Final = (WORKING_FILE, OUTPUT_FILE)
