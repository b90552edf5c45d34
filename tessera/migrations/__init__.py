"""One chain of schema changes for both databases."""
