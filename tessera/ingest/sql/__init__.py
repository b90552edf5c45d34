"""Ingest's SQL: from text to statements. It knows no database and no warehouse."""

from tessera.ingest.sql.parser import parse
from tessera.ingest.sql.statements import Statement, TableName

__all__ = ["Statement", "TableName", "parse"]
