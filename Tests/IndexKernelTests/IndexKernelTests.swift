// Tests of room `IndexKernel`.
