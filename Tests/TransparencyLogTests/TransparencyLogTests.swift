// Tests of room `TransparencyLog`.
