"""The SQL ontology (speaks the API of Timbr): concepts and relationships over the warehouse's tables."""
