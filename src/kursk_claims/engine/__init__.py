"""Engine: runs notebooks through Papermill. Papermill lives here and nowhere else."""

import sys

# jsonschema, which nbformat imports, tries this optional package; that one compiles a grammar for
# more than a second. Nothing here needs it: it checks the form of addresses in JSON Schema.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
