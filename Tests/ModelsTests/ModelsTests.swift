// Tests of room `Models`.
