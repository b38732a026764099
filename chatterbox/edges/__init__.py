"""An edge is where Twisted meets the rest: sockets, telnet, the console.

It hands bytes to a connection; it does not know what they mean.
"""
