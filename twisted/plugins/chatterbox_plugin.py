"""Tells twistd that there is a `chatterbox` command; every twistd and trial on the machine imports this file."""

from twisted.application.service import ServiceMaker

chatterbox = ServiceMaker("Chatterbox", "chatterbox.service", "The hub two ends talk through.", "chatterbox")
