"""Rooms over several machines: `homes` knows where each room lives, `visit` and `channel` are a seat elsewhere, seen from
both sides, `links` carries `frames`, `roster` knows who is alive, `claims` who owns what; `localhub` joins it to the hub.

Pure: `engine` says what is needed of Redis, `house` what is needed of a hub; time and the engine are handed in.
"""
