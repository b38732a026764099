"""A benchmark is a question about speed or size that a user can ask again on their own machine."""
