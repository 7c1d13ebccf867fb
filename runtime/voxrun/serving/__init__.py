"""Many calls in one process: who may come in, the sessions that they become, and how it all ends."""
