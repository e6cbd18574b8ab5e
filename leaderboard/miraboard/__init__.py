"""A leaderboard that believes nothing it can recompute.

A submission is checked (`submission`), kept for ever (`store`), turned into numbers with intervals
(`standing`), ranked (`ranking`), laid out for people (`tables`, `pages`) and exported (`export`). `board`
ties these together; `app` puts widgets on it and computes nothing.
"""
