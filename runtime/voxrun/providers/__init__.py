"""Client units for what is outside: a package for each speech service, and a WebSocket to a scenario's own server."""
