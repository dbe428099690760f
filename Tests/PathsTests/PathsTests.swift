// Tests of room `Paths`.
