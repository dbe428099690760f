// Tests of room `Sandbox`.
