"""The wire is what both ends must agree on: `docs/protocol.md` as code.

Pure: it imports `limits` and the standard library, and knows no hub and no socket.
"""
