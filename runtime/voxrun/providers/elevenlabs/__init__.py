"""ElevenLabs: the Agents client unit, and where the service is found."""
