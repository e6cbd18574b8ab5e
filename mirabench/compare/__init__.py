"""Two or more runs, clip by clip, with the uncertainty of every difference."""
