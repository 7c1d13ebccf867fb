"""What a trace tells: its records read back, the voices and turns in them, and the ways to show these."""
