// Room `CodeIndex`: see docs/architecture.md.
