"""Agreement of metrics with people's ratings."""
