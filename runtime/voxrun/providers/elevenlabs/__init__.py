"""ElevenLabs: the agents client and the text-to-speech player, what they ask for and where, and the cassette."""
