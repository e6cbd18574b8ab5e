"""Networks that no library carries, and the glue for those that one does.

Plain `nn.Module`s with upstream's parameter names, and pure functions before and after them. They
know nothing of videos, features or where their weights come from. Needs the extra `torch`.
"""
