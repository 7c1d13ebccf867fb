"""The local agent: a stand-in for an ElevenLabs agent that hears, talks and follows a script, with no account."""
