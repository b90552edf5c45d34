"""The engine where data lives, and what SQL may reach in it."""
