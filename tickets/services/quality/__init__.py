"""Every write of quality review, by noun."""
