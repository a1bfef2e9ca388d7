"""Evidence: the claims registry, the tables with their days of publication, corrections."""
