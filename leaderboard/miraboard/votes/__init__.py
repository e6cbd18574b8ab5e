"""What people prefer: blind pairs of clips, votes with ties, strengths with intervals."""
