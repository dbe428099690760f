// Room `Models`: see docs/architecture.md.
