"""Engine: runs notebooks through Papermill. Papermill lives here and nowhere else."""
