"""Errors a user can cause and mend: one or two lines, no traceback."""


class KurskError(Exception):
    """What is wrong, where, and what to do, in one or two lines."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: show the message alone in a notebook."""
        return [f"{type(self).__name__}: {self}"]


class EvidenceError(KurskError):
    """A table, its schema or a correction is broken; nothing runs on it."""


class RegistryError(KurskError):
    """data/claims.yaml is broken, or names something that does not exist."""


class ParameterError(KurskError):
    """A parameter is unknown, of the wrong type, or outside its allowed values."""


class RunError(KurskError):
    """A notebook did not run to its end."""


class ReportError(KurskError):
    """The report could not be built; the old one is untouched."""
