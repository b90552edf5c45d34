"""The production tracker (speaks the API of Zou)."""
