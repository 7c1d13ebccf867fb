"""Sans-I/O machines: bytes, text or packets in, event objects out. No trio, no socket, no clock."""
