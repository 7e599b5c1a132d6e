"""Backups: one archive with the database, the attachments and a manifest; proven by restoring it."""
