"""Pages of the core: landing, health, settings hub, system page, errors."""
