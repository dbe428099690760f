// Tests of room `CodeIndex`.
