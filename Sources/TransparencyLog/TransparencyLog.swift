// Room `TransparencyLog`: see docs/architecture.md.
