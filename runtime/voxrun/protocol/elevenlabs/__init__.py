"""The ElevenLabs Agents WebSocket protocol, both sides of it, as text in and event objects out.

Source: the service's AsyncAPI contract "ElevenLabs Agents Contract" 1.0.0;
where that is silent, what its SDKs do.
"""
