// Tests of room `Patches`.
