"""What the scripts of the benchmark share: brokers of their own, the load generator, tables."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

READY_SECONDS = 10
STOP_SECONDS = 10


class Broker:
    def __init__(self, name, command, configuration=None):
        self.name = name
        self.command = command  # {port} and {configuration} are filled in
        self.configuration = configuration


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def log(text):
    print(text, file=sys.stderr, flush=True)


class Failure(Exception):
    """A measurement that could not be made, with the reason to show."""


class RunningBroker:
    """A broker of our own for one measurement; leaves neither process nor files."""

    def __init__(self, broker, place=None):
        self.broker = broker
        self.place = place  # where its directory is made
        self.process = None
        self.port = free_port()
        self.directory = None

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="etalon-bench-", dir=self.place)
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        configuration = os.path.join(self.directory.name, "configuration")
        data = self.data_path()
        if self.broker.configuration is not None:
            os.makedirs(data, mode=0o700, exist_ok=True)
            with open(configuration, "w", encoding="utf-8") as file:
                file.write(self.broker.configuration.format(port=self.port, data=data))
        command = [part.format(port=self.port, configuration=configuration) for part in self.broker.command]
        with open(self.log_path(), "wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            cwd=self.directory.name)

    def data_path(self):
        """The directory for a store, for brokers that have one."""
        return os.path.join(self.directory.name, "data")

    def log_path(self):
        return os.path.join(self.directory.name, "log")

    def last_words(self):
        with open(self.log_path(), encoding="utf-8", errors="replace") as file:
            return " / ".join(file.read().strip().splitlines()[-3:])

    def wait_until_ready(self):
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failure(f"{self.broker.name} ended at once: {self.last_words()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)  # sleep-allowed: a polling interval; the accepted connection is the evidence
        raise Failure(f"{self.broker.name} accepts no connection")

    def stop(self, number=signal.SIGTERM, patience=STOP_SECONDS):
        """Ends the process; returns how many seconds that took. Raises Failure when it had to be killed."""
        start = time.monotonic()
        process, self.process = self.process, None
        if process is None:
            return 0.0
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise Failure(f"{self.broker.name} does not end") from error
        return time.monotonic() - start

    def __exit__(self, *_):
        try:
            self.stop()
        except Failure as failure:
            log(str(failure))
        finally:
            self.directory.cleanup()


def find_mosquitto():
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    return shutil.which("mosquitto", path=path) or "mosquitto"


def run_load(build, running, arguments, deadline):
    """The figures of one run of bench-load. Raises Failure."""
    command = [os.path.join(build, "bench-load"), "--port", str(running.port),
               "--pid", str(running.process.pid), "--deadline", str(deadline), *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        output, _ = child.communicate(timeout=deadline + 15)
    except subprocess.TimeoutExpired as error:
        raise Failure("the load generator hangs") from error
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    try:
        figures = json.loads(output)
    except json.JSONDecodeError as error:
        raise Failure(f"the load generator ended with {child.returncode}") from error
    if "error" in figures:
        raise Failure(figures["error"])
    return figures


def format_number(value):
    if value is None:
        return "-"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:.0f}k"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def ratio(numerator, denominator):
    return f"{numerator / denominator:.2f}" if numerator is not None and denominator else "-"


def print_table(rows):
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        left = [text.ljust(width) for text, width in zip(row[:2], widths)]
        right = [text.rjust(width) for text, width in zip(row[2:], widths[2:])]
        print("  ".join(left + right).rstrip())


def raise_file_limit():
    """Brokers inherit it: ten thousand connections need more descriptors than a shell usually grants."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
