"""Analysis: pure functions. No files, no figures, no clock, no unseeded random numbers."""
