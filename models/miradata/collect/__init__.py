"""Source videos: files of a folder, addresses and sites, each with where it came from and on what ground."""
