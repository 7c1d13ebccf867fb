"""Media-stream WebSockets, by which a phone call comes to a program: one file for each provider's dialect.

`MediaStream` is the far end's side of one connection: messages in, news out, and the other way round.
"""
