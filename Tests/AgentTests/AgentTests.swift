// Tests of room `Agent`.
