// Tests of room `HTTPTransport`.
