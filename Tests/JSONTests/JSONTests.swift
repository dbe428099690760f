// Tests of room `JSON`.
