// Room `Repair`: see docs/architecture.md.
