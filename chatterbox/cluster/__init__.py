"""Rooms over several machines: `homes` knows where each room lives, `visit` is a seat elsewhere, `links` carries bytes.

Pure: `engine` says what is needed of Redis, `roster` who is alive; time and the engine are handed in.
"""
