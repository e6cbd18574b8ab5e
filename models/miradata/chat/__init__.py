"""Asking any OpenAI-compatible endpoint: one account, one store of replies, whatever asks."""
