"""Clips that a board fetches and scores itself, each in a process that can reach nothing."""
