// Room `Access`: see docs/architecture.md.
