"""Pages of the tickets app."""
