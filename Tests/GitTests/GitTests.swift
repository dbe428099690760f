// Tests of room `Git`.
