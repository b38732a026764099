"""An original is a server as somebody wrote it for one of the five exercises: `socket`, threads or `select`, no newline.

Each is the program that its document in the course describes, with the bugs that such programs have. Nothing here knows
what is being proved.
"""

from __future__ import annotations

import sys
from types import TracebackType

from tests.harness.ends import Program
from tests.harness.processes import CLIENT, environment, free_port

_LISTEN = """if True:
    import select, socket, sys, threading, time
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(sys.argv[1])))
    server.listen()
    print("ready")
"""
RELAY = _LISTEN + """
    one, _ = server.accept()
    two, _ = server.accept()
    one.settimeout(0.05)
    two.settimeout(0.05)
    print("two are here")
    open = True
    while open:
        for end, other in ((one, two), (two, one)):
            try:
                data = end.recv(1024)
            except socket.timeout:
                continue
            if not data or data.decode().strip() == "/quit":
                print("somebody has left")
                open = False
                break
            other.sendall(data)
    one.close()
    two.close()
"""
"""Seed 000: accepts two, and relays what each `recv` returns."""
CHATROOM = _LISTEN + """
    clients, nicknames = [], []
    def broadcast(message):
        for client in clients:
            client.send(message)
    def handle(client):
        while True:
            try:
                message = client.recv(1024)
                broadcast(message)
            except:
                index = clients.index(client)
                clients.remove(client)
                client.close()
                nickname = nicknames[index]
                broadcast("{} left!".format(nickname).encode("ascii"))
                nicknames.remove(nickname)
                print("{} left".format(nickname))
                break
    while True:
        client, address = server.accept()
        client.send("NICK".encode("ascii"))
        nickname = client.recv(1024).decode("ascii")
        nicknames.append(nickname)
        clients.append(client)
        print("Nickname is {}".format(nickname))
        broadcast("{} joined!".format(nickname).encode("ascii"))
        client.send("Connected to server!".encode("ascii"))
        threading.Thread(target=handle, args=(client,), daemon=True).start()
"""
"""Seed 001: asks with `NICK`, sends everybody what each `recv` returns, and takes an end of file for a message."""
ORDER = _LISTEN + """
    print("The server is waiting to receive two connections....")
    clients = {}
    for ordinal, name in (("first", "X"), ("second", "Y")):
        clients[name], _ = server.accept()
        print("Accepted {} connection, calling it client {}".format(ordinal, name))
    for name, client in clients.items():
        client.send("Client {} has connected.".format(name).encode())
    print("Waiting to receive messages from client X and client Y....")
    messages, lock = [], threading.Lock()
    def listen(name, client):
        text = client.recv(1024).decode()
        with lock:
            messages.append("{}: {}".format(name, text))
    threads = [threading.Thread(target=listen, args=item) for item in clients.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients.values():
        client.send(" received before ".join(messages).encode())
    print("Waiting a bit for clients to close their connections")
    time.sleep(1)  # as the exercise has it
    for client in clients.values():
        client.close()
    print("Done.")
"""
"""Seed 002: one message from each, and a verdict for both."""
DUET = _LISTEN + """
    clients = {}
    for name in "XY":
        clients[name], _ = server.accept()
    for name, client in clients.items():
        client.send("Client {} has connected.".format(name).encode())
    is_open = True
    while is_open:
        for ready in select.select(list(clients.values()), [], [])[0]:
            name = next(name for name, client in clients.items() if client is ready)
            text = ready.recv(1024).decode()
            for client in clients.values():
                client.send("{}: {}".format(name, text).encode())
            if text == "Bye" or not text:
                is_open = False
                break
    for client in clients.values():
        client.close()
    print("Done.")
"""
"""Seed 002, extra credit: relays to both, until one says `Bye`."""
BROADCAST = _LISTEN + """
    print("[LISTENING] Server is listening on 127.0.0.1:{}".format(sys.argv[1]))
    clients = []
    def handle_client(client, address):
        print("[NEW CONNECTION] {} connected.".format(address))
        while True:
            message = client.recv(1024).decode()
            if not message:
                break
            if message == "exit":
                print("[{}] Sent exit command.".format(address))
                break
            print("[{}] Relaying message: {}: {}".format(address, address[1], message))
            for other in clients:
                if other is not client:
                    other.send("{}: {}".format(address[1], message).encode())
        clients.remove(client)
        client.close()
        print("[DISCONNECTED] {} has been removed.".format(address))
    while True:
        client, address = server.accept()
        clients.append(client)
        threading.Thread(target=handle_client, args=(client, address), daemon=True).start()
"""
"""Seed 003: `PORT: message` to all others; `exit` is the whole message."""
KEYS = _LISTEN + """
    client, address = server.accept()
    print("connected by {}".format(address))
    while True:
        for ready in select.select([client, sys.stdin], [], [])[0]:
            if ready is client:
                data = client.recv(4096)
                if not data:
                    print("disconnected")
                    client, address = server.accept()
                    print("connected by {}".format(address))
                    break
                sys.stdout.write(data.decode())
                sys.stdout.flush()
            else:
                client.sendall(sys.stdin.readline().encode())
"""
"""Seed 004: stdin to the socket by lines, the socket to stdout as it comes; a newline ends a line."""
SILENT_SERVER = _LISTEN + """
    time.sleep(3600)  # until it is killed
"""
"""A server that accepts nobody in time: the system does it for it."""


class Original:
    """Such a server in a process of its own; as a context it ends it, and every client of it."""

    def __init__(self, source: str) -> None:
        self.port = free_port()
        self.program = Program([sys.executable, "-u", "-c", source, str(self.port)], environment())
        self._ends: list[Program] = []
        self.program.skips("ready")

    def client(self, *options: str) -> Program:
        """Return the bundled client in pipes, at this server."""
        end = Program([*CLIENT, "--bare", "127.0.0.1", str(self.port), *options], environment())
        self._ends.append(end)
        return end

    def awaits(self, words: str, count: int) -> None:
        """Wait until it has printed so many lines that begin with `words`."""
        while count:
            count -= self.program.line().startswith(words)

    def __enter__(self) -> Original:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        for end in (*self._ends, self.program):
            end.close()
