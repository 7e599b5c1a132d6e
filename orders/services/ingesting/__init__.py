"""Many pushes at once, from raw bodies to scans, parcels, events and jobs; import from here."""

from orders.services.ingesting.draining import apply_batch, apply_pushes, give_up_waiting, wake_waiting

__all__ = ["apply_batch", "apply_pushes", "give_up_waiting", "wake_waiting"]
