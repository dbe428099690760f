// Room `Agent`: see docs/architecture.md.
