"""Programs that make files in `docs/`: the man page, the completions, and the picture in README."""
