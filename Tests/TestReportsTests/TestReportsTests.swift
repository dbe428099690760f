// Tests of room `TestReports`.
