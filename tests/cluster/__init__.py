"""Tests of rooms over several machines."""
