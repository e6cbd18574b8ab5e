"""Prompts: what a generator was asked for, bundled sets of them, and reading and checking tables."""

from mirabench.inputs.prompts.checks import PromptStats, find_problems, stats_of
from mirabench.inputs.prompts.export import export_text
from mirabench.inputs.prompts.prompt import ASPECTS, FORMS, Prompt, in_form
from mirabench.inputs.prompts.reading import ID_COLUMNS, TEXT_COLUMNS, prompt_of
from mirabench.inputs.prompts.sets import PromptSetCard, cards, read_prompts

__all__ = [
    "ASPECTS",
    "FORMS",
    "ID_COLUMNS",
    "TEXT_COLUMNS",
    "Prompt",
    "PromptSetCard",
    "PromptStats",
    "cards",
    "export_text",
    "find_problems",
    "in_form",
    "prompt_of",
    "read_prompts",
    "stats_of",
]
