"""The document of a run: its schema, how it is aggregated, written, read and shown."""

from mirabench.report.model import Report, load_report

__all__ = ["Report", "load_report"]
