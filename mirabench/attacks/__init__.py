"""Clean clips degraded on purpose, and how a sane metric reacts."""
