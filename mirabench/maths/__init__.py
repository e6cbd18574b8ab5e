"""Formulas with a name of their own, as pure functions of arrays."""
