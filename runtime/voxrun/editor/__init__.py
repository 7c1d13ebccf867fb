"""The language server's answers, and the server: what an editor asks about a `.vox` file."""
