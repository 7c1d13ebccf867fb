"""One run of one scenario: loading, events, timers, life cycle, trace, and the border to the user's code."""
