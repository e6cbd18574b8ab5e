"""What leaves the pipeline: the published table, and the same in other people's formats."""
