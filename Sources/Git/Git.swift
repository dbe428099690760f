// Room `Git`: see docs/architecture.md.
