"""Stands in for a checkout of CoTracker: its names and its calls, and a network of a few numbers."""
