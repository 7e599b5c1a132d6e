"""Settings: base for all, then trial (bin/up), test and production."""
