"""The HTTP routes of this room, in the order of its contract."""
