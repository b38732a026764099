"""Tells twistd that there is a `chatterbox` command; every twistd and trial on the machine imports this file."""

from twisted.application.service import ServiceMaker

chatterbox = ServiceMaker("Chatterbox", "chatterbox.service", "A small chat server.", "chatterbox")
