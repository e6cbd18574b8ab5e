"""Metrics as tests: thresholds and baselines in a file or in pytest."""
