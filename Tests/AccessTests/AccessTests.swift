// Tests of room `Access`.
