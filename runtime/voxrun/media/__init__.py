"""Units, the routes between them, the ticker that moves them, and the buffers on the way."""
