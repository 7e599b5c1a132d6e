"""The product's version, shown on the system page and in backups."""

VERSION = "0.1.0"
