"""Forms of the tickets app."""
