"""The SQL ontology (speaks the API of Timbr)."""
