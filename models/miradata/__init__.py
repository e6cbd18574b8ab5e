"""The MiraData pipeline: long videos in, captioned long clips out."""
