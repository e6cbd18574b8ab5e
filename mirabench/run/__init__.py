"""From samples and a suite to a report."""
