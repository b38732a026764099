"""The core is who hears what: hub, room, peer, and the rules between them.

Pure: no sockets, no time, no transport; it imports `wire` and `limits`.
"""
