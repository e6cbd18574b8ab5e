"""`--log-json`: the log as lines of JSON on stderr, with what each clip and the whole run took."""

from __future__ import annotations

import json
import logging
import sys
import time

_FACTS = "mirabench.run.facts"
"""The logger that tells of clips and runs."""


class JsonLines(logging.Formatter):
    """One JSON object a line: when, how grave, who says it, what; and the facts of a clip or run."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "at": f"{at}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_json() -> None:
    """Replace the text log on stderr by lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger(_FACTS).setLevel(logging.DEBUG)
