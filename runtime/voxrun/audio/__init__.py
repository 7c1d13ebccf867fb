"""Pure functions and filters on mono int16 samples: frames, G.711, resampling, mixing, levels."""
