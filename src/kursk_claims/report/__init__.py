"""Report: pages for people and files for machines, from records. It never runs anything."""
