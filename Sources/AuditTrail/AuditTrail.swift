// Room `AuditTrail`: see docs/architecture.md.
