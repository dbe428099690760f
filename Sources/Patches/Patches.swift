// Room `Patches`: see docs/architecture.md.
