// Tests of room `Conversation`.
