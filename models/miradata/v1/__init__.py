"""MiraData's published table, version 1: its rows, checked cell by cell, and its files."""
