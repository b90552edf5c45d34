"""People, technical users, roles, sign-in and every token."""
