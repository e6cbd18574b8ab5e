"""Generators: what turns a prompt into a video, and the loop that runs one over a prompt set."""
