// Room `Workspace`: see docs/architecture.md.
