"""I/O shells: networks, HTTP, WebSockets, a small server, RTP, sound devices, audio files. None knows a provider."""
