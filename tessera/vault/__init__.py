"""Data Vault 2.0: history that is never overwritten (does the job of Datavault Builder)."""
