"""All models of the tracker, declared. Importing this module declares every table of the room."""

from typing import Final

from tessera.kernel.resources import Resource
from tessera.production import entities, feeds, files, people, projects, review, studio, tasks

RESOURCES: Final[tuple[Resource, ...]] = (
    *people.RESOURCES,
    *studio.RESOURCES,
    *projects.RESOURCES,
    *entities.RESOURCES,
    *tasks.RESOURCES,
    *review.RESOURCES,
    *files.RESOURCES,
    *feeds.RESOURCES,
)
