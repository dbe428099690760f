// Tests of room `Repair`.
