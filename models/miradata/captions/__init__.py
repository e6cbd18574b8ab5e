"""Captions by any OpenAI-compatible endpoint: the prompt, the picture, the reply and its price."""
