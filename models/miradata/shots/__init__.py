"""Videos to clips: what a file is, where its shots are, which belong together, how long a clip may be."""
