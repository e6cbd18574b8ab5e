"""Clips spoiled on purpose, and what a sane metric must say of them."""
