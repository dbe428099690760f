// Tests of room `Workspace`.
