"""Rooms over several machines: `homes` knows where each room lives, `visit` and `channel` are a seat elsewhere.

`links` carries `frames` and `confirmations` between nodes, `roster` knows who is alive, `claims` who owns which room;
`localhub` joins all that to the hub here. Pure: `engine` says what is needed of Redis, `house` of a hub; time and the
engine are handed in.
"""
