// Room `HTTPTransport`: see docs/architecture.md.
