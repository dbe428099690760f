// Room `IndexKernel`: see docs/architecture.md.
