"""The demo shop: its people, its past, and the player that keeps it moving through the public doors."""
