"""The client on a terminal: a person types, and sees what comes."""
