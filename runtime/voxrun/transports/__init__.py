"""I/O shells: networks, HTTP, WebSockets, a small server, and audio files. Nothing here knows a provider."""
