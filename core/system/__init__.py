"""How the system itself is doing: queue, quarantine, figures' lag, storage, metrics."""
