"""The pytest plugin: metrics as assertions."""
