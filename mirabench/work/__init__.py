"""Durable work: items through one engine that scoring, generation and curation share; knows nothing of video.

- `item`: what is worked on, what becomes of it, and the contract of the work.
- `run`: the loop: what is pending, tries, results kept before the journal says so, progress.
- `journal`: which work is done, on disk; the lock of a folder.
- `local`, `process`: child processes of this machine.
- `ray`: a Ray cluster.
"""
