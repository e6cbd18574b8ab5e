"""Clips with known answers: a pinhole renderer, ready-made films of it, and ways to spoil them.

For our tests, for `mirabench examples`, and for anybody who tests a metric of their own.
"""
