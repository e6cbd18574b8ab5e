"""What comes in: tables, prompts, clips, and which prompt each clip was made from."""
