"""Starting brokers and the mutant proxy on free loopback ports, and running the suite against them: what the
scripts of the conformance suite share."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BROKERS = os.path.join(ROOT, 'conformance', 'brokers')
START_PATIENCE = 10.0  # seconds


class CannotRun(Exception):
    pass


@contextlib.contextmanager
def running(command, log=subprocess.DEVNULL, environment=None):
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(START_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what, process, ready):
    """Waits until `ready()` yields something, and returns it."""
    limit = time.monotonic() + START_PATIENCE
    while time.monotonic() < limit:
        found = ready()
        if found:
            return found
        if process.poll() is not None:
            raise CannotRun('%s ended with status %d' % (what, process.returncode))
        time.sleep(0.01)  # sleep-allowed: between looks at a condition that must become true
    raise CannotRun('%s did not start within %.0f s' % (what, START_PATIENCE))


def read_port(path):
    if not os.path.exists(path):
        return None
    with open(path, encoding='ascii') as file:
        text = file.read()
    return int(text) if text.endswith('\n') else None


def forget(path):
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def answers(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def reserve_port():
    """A free port, and the socket that keeps it from others until a server with SO_REUSEADDR listens on it."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(('127.0.0.1', 0))
    return holder, holder.getsockname()[1]


@contextlib.contextmanager
def folder_of_its_own():
    folder = tempfile.mkdtemp(prefix='etalon-conformance-')
    os.chmod(folder, 0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def transports(name):
    """What the brokers of conformance/brokers/NAME can be told to speak: mqtt, and what its profile says."""
    with open(os.path.join(BROKERS, name, 'profile'), encoding='utf-8') as file:
        lines = [line.split() for line in file]
    return ['mqtt'] + [word for line in lines if line[:1] == ['transports'] for word in line[1:]]


@contextlib.contextmanager
def broker(build, name, folder, transport='mqtt'):
    """A broker of its own, of conformance/brokers; yields its port. Its output goes to the folder."""
    with open(os.path.join(folder, 'broker.log'), 'wb') as log:
        if name == 'etalon' and transport == 'mqtt':
            path = os.path.join(folder, 'broker-port')
            with running([os.path.join(build, 'etalon'), '-p', '0', '--port-file', path], log) as process:
                yield wait_for('the broker', process, lambda: read_port(path))
            return
        port = free_port()
        environment = dict(os.environ, ETALON=os.path.abspath(os.path.join(build, 'etalon')), TRANSPORT=transport,
                           CERTIFICATES=os.path.abspath(os.path.join(build, 'certs')))
        command = [os.path.join(BROKERS, name, 'start'), 'default', str(port), folder]
        with running(command, log, environment) as process:
            wait_for('the broker', process, lambda: answers(port))
            yield port


@contextlib.contextmanager
def proxy(build, folder, target, mutant=None, options=()):
    """etalon-mutant before the broker at port `target`, with more options (--latency, --jitter); yields its port."""
    path = os.path.join(folder, 'proxy-port')
    forget(path)  # that of a proxy before, in the same folder
    command = [os.path.join(build, 'etalon-mutant'), '--listen', '0', '--port-file', path,
               '--target', 'mqtt://127.0.0.1:%d' % target] + (['--mutant', mutant] if mutant else []) + list(options)
    with running(command) as process:
        yield wait_for('the proxy', process, lambda: read_port(path))
        if process.poll() is not None:
            raise CannotRun('the proxy ended on the way with status %d' % process.returncode)
    if process.returncode != 0:
        raise CannotRun('the proxy ended with status %d' % process.returncode)


def url(transport, port):
    return '%s://127.0.0.1:%d' % (transport, port)


def run_suite(build, folder, target, options, limit, **variables):
    """Runs the suite on the broker at this URL, for `limit` seconds at most; returns what its report says. `variables`
    are added to its environment."""
    path = os.path.join(folder, 'results.json')
    forget(path)
    command = [os.path.join(build, 'etalon-conformance'), '--no-progress', '--json', path]
    environment = dict(os.environ, ETALON=os.path.abspath(os.path.join(build, 'etalon')),
                       CERTIFICATES=os.path.abspath(os.path.join(build, 'certs')), **variables)
    try:
        done = subprocess.run(command + options + [target], capture_output=True, text=True,
                              errors='replace', timeout=limit, check=False, env=environment)
    except subprocess.TimeoutExpired:
        raise CannotRun('the suite did not end within %.0f s' % limit) from None
    if not os.path.exists(path):
        said = done.stderr.strip() or done.stdout.strip()
        raise CannotRun('the suite wrote no results: %s' % said[-300:])
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def by_test(report):
    """{(test, version): result}"""
    return {(result['name'], result['version']): result for result in report['tests']}


def why(result):
    warnings = [note for note in result.get('notes', ()) if note.startswith('warning: ')]
    return result['reason'] or result['observed'] or '; '.join(warnings) or 'no reason given'
