"""The brokers that interop/run starts, and what a client has to know of the places where they listen."""

import base64
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

READY_SECONDS = 20
PASSWORDS = {"alice": "wonderland", "bob": "builder"}
# What these rights are for is said where they are used: cases_security.c and the others.
RIGHTS = """
user alice
topic readwrite interop/#
topic deny interop/+/+/secret/#

user bob
topic read interop/#

pattern readwrite home/%u/#
"""
LISTENING = re.compile(r"listening on 127\.0\.0\.1 port (\d+)")
SCHEMES = {"tcp": "tcp", "mqtt": "tcp", "ssl": "tls", "mqtts": "tls", "ws": "ws", "wss": "wss"}
MQTTJS_SCHEMES = {"tcp": "mqtt", "tls": "mqtts", "ws": "ws", "wss": "wss"}


class Place:
    """Where a broker can be reached, and what makes it trusted."""

    def __init__(self, url, ca_file=None, other_ca_file=None, guard=None):
        self.url = url
        scheme, _, self.rest = url.partition("://")
        if scheme not in SCHEMES:
            sys.exit(f"{url}: one of {', '.join(SCHEMES)} is expected before ://")
        self.transport = SCHEMES[scheme]
        self.ca_file = ca_file
        self.other_ca_file = other_ca_file
        self.guard = guard
        self.by_certificate = guard == "certificates"

    def trust(self):
        """Options for the programs here."""
        if self.transport not in ("tls", "wss"):
            return []
        options = ["--cafile", self.ca_file] if self.ca_file else []
        return options + (["--other-cafile", self.other_ca_file] if self.other_ca_file else [])

    def for_mqttjs(self, options):
        url = f"{MQTTJS_SCHEMES[self.transport]}://{self.rest}"
        given = [f"--{self.guard or 'open'}", url]
        given += ["--cafile", self.ca_file] if self.ca_file else []
        given += ["--other-cafile", self.other_ca_file] if self.other_ca_file else []
        if self.by_certificate:
            for option, suffix in (("--cert", "crt"), ("--key", "key")):
                given += [option, os.path.join(options.certificates, f"client.{suffix}")]
        return given


class Broker:
    """A broker that this script started and therefore ends."""

    def __init__(self, command, port):
        self.log = tempfile.TemporaryFile(mode="w+", errors="replace")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.port = port

    def wait_until_ready(self):
        """Connects until the broker accepts; a broker that ended or never listens is an error."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return f"the broker ended with status {self.process.returncode} before it listened"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return None
            except OSError:
                # Nothing announces that a foreign broker listens; only its exit is an event and ends this.
                try:
                    self.process.wait(timeout=0.02)
                except subprocess.TimeoutExpired:
                    pass
        return f"the broker did not listen on port {self.port} within {READY_SECONDS} s"

    def stop(self):
        """Ends the broker. Returns what was wrong with the way it ended, or None."""
        status = self.process.poll()
        if status is not None:
            return f"the broker ended during the tests with status {status}"
        self.process.terminate()
        try:
            status = self.process.wait(timeout=READY_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return f"the broker did not end within {READY_SECONDS} s after SIGTERM"
        return None if status in (0, -15) else f"the broker ended with status {status} after SIGTERM"

    def log_lines(self):
        self.log.seek(0)
        return self.log.read().splitlines()

    def show_log(self, lines=200):
        print(f"---- last lines of the broker's log ({' '.join(self.process.args)})")
        for line in self.log_lines()[-lines:]:
            print(f"  {line}")
        print("----")


class Etalon(Broker):
    """Etalon with several listeners, whose ports it chooses and says in its log."""

    def __init__(self, program, listeners, directory, name, *arguments):
        self.listeners = listeners
        path = os.path.join(directory, f"{name}.conf")
        with open(path, "w", encoding="utf-8") as config:
            config.write("\n".join(["log_type all", *listeners.head]) + "\n")
            for lines, _ in listeners.rows:
                config.write("\n".join(["listener 0 127.0.0.1", *lines]) + "\n")
        self.lines = []
        self.ports = []
        self.ready = threading.Event()
        self.process = subprocess.Popen([program, "-c", path, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, errors="replace")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            match = LISTENING.search(line)
            if match:
                self.ports.append(int(match.group(1)))
            if len(self.ports) == len(self.listeners.rows):
                self.ready.set()
        self.ready.set()

    def wait_until_ready(self):
        if not self.ready.wait(timeout=READY_SECONDS):
            return f"the broker did not listen within {READY_SECONDS} s"
        if len(self.ports) < len(self.listeners.rows):
            return f"the broker ended with status {self.process.wait()} before it listened"
        return None

    def places(self):
        return [make_place(port) for port, (_, make_place) in zip(self.ports, self.listeners.rows)]

    def log_lines(self):
        self.reader.join(timeout=READY_SECONDS)
        return self.lines


class Listeners:
    """A configuration: lines for all, and for each listener its own and how its place is made from a port."""

    def __init__(self, certificates, *head):
        self.certificates = certificates
        self.head = head
        self.rows = []

    def add(self, scheme, path="", guard=None):
        lines = []
        secure = scheme in ("ssl", "wss")
        if scheme in ("ws", "wss"):
            lines.append("protocol websockets")
        if secure:
            lines += [f"certfile {self.certificates}/server.crt", f"keyfile {self.certificates}/server.key"]
        if guard == "certificates":
            lines += [f"cafile {self.certificates}/ca.crt", "require_certificate true",
                      "use_identity_as_username true"]
        ca_file = f"{self.certificates}/ca.crt" if secure else None
        other_ca_file = f"{self.certificates}/other-ca.crt" if secure else None
        self.rows.append((lines, lambda port: Place(f"{scheme}://127.0.0.1:{port}{path}", ca_file, other_ca_file,
                                                    guard)))


def open_listeners(certificates):
    """Everybody may come in, by every transport."""
    listeners = Listeners(certificates, "allow_anonymous true")
    for scheme, path in (("tcp", ""), ("ssl", ""), ("ws", "/mqtt"), ("wss", "/mqtt")):
        listeners.add(scheme, path)
    return listeners


def hashed(password):
    """A password as mosquitto_passwd writes it, with few rounds: it protects nothing."""
    salt, rounds = os.urandom(12), 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def guarded_listeners(certificates, directory):
    """By every transport come in who knows a password; and two listeners are for those with a certificate."""
    users, rights = os.path.join(directory, "users"), os.path.join(directory, "rights")
    with open(users, "w", encoding="utf-8") as file:
        file.writelines(f"{name}:{hashed(password)}\n" for name, password in PASSWORDS.items())
    with open(rights, "w", encoding="utf-8") as file:
        file.write(RIGHTS)
    for path in (users, rights):
        os.chmod(path, 0o600)
    listeners = Listeners(certificates, "allow_anonymous false", f"password_file {users}", f"acl_file {rights}")
    for scheme, path in (("tcp", ""), ("ssl", ""), ("ws", "/mqtt"), ("wss", "/mqtt")):
        listeners.add(scheme, path, "passwords")
    for scheme, path in (("ssl", ""), ("wss", "/mqtt")):
        listeners.add(scheme, path, "certificates")
    return listeners


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mosquitto_command(port, directory):
    """Mosquitto with its own defaults, as far as it starts so: loopback, anonymous, nothing on disk."""
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        sys.exit("mosquitto is not installed")
    path = os.path.join(directory, "mosquitto.conf")
    with open(path, "w", encoding="utf-8") as config:
        config.write(f"user root\nallow_anonymous true\nlistener {port} 127.0.0.1\npersistence false\n")
    return [program, "-c", path]


def start_broker(options, directory):
    port = free_port()
    if options.broker == "mosquitto":
        return Broker(mosquitto_command(port, directory), port)
    program = options.broker
    if program == "etalon":
        program = os.path.join(options.build, "etalon")
    if not os.access(program, os.X_OK):
        sys.exit(f"{program} does not exist: build it, or name another broker with --broker or --url")
    return Broker([program, "-p", str(port)], port)
