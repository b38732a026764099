"""A connection is how one end's bytes come and go, bounded both ways.

Pure, too: time is handed in. It stands between the core and the edges.
"""
