// Tests of room `AuditTrail`.
