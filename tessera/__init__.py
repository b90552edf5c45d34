"""Tessera: one server, one identity, one warehouse, five packages."""

__version__ = "0.1.0"
