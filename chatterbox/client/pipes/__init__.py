"""The client in pipes: a program's stdin is said, what the other end says goes to its stdout."""
