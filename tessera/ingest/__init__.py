"""Inputs and SQL jobs (speaks the API of Upsolver)."""
