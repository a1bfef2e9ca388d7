"""Display: figures, maps, the record, prose. What a reader sees, and nothing that decides."""
