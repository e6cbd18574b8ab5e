"""The prompt sets of mirabench, as plain files: one CSV each, described in `cards.toml`."""
