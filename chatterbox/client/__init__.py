"""The client is a stranger who speaks the wire: on a terminal a person, in pipes a program."""
