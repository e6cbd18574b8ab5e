"""Which clips stay: thresholds and duplicates on stored scores, and thresholds from target retention."""
