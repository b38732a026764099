"""Tests that need real processes, sockets or terminals."""
