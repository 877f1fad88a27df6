"""Starting brokers and the mutant proxy on free loopback ports, and running the suite against them: what the
scripts of the conformance suite share."""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BROKERS = os.path.join(ROOT, 'conformance', 'brokers')
START_PATIENCE = 30.0  # seconds, for a broker whose profile says nothing else
STOP_PATIENCE = 20.0  # seconds


class CannotRun(Exception):
    pass


def profile(name):
    """{key: words} of conformance/brokers/NAME/profile; conformance/broker.h tells what they mean."""
    found = {}
    with open(os.path.join(BROKERS, name, 'profile'), encoding='utf-8') as file:
        for words in (line.split() for line in file):
            if words and not words[0].startswith('#'):
                found.setdefault(words[0], []).extend(words[1:])
    return found


def broker_names():
    return sorted(entry for entry in os.listdir(BROKERS)
                  if os.path.exists(os.path.join(BROKERS, entry, 'profile')))


def is_untried(name):
    return 'untried' in profile(name)


def installed(build, name):
    """The broker's version; None when it cannot be started here."""
    program = os.path.join(BROKERS, name, 'installed')
    if not os.path.exists(program):
        return None
    done = subprocess.run([program], capture_output=True, text=True, errors='replace', check=False,
                          env=for_profiles(build))
    return (done.stdout.strip() or 'unknown version') if done.returncode == 0 else None


def for_profiles(build, **variables):
    """The environment in which the programs of a profile run."""
    return dict(os.environ, ETALON=os.path.abspath(os.path.join(build, 'etalon')),
                CERTIFICATES=os.path.abspath(os.path.join(build, 'certs')), **variables)


def start_patience(name):
    words = profile(name).get('start-seconds')
    try:
        return float(words[0]) if words else START_PATIENCE
    except ValueError:
        raise CannotRun('%s/profile: start-seconds needs a number, not %s' % (name, words[0])) from None


@contextlib.contextmanager
def running(command, log=subprocess.DEVNULL, environment=None):
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what, process, ready, patience=START_PATIENCE):
    """Waits until `ready()` yields something, and returns it."""
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        found = ready()
        if found:
            return found
        if process.poll() is not None:
            raise CannotRun('%s ended with status %d' % (what, process.returncode))
        time.sleep(0.01)  # sleep-allowed: between looks at a condition that must become true
    raise CannotRun('%s did not start within %.0f s' % (what, patience))


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
    return ['mqtt'] + profile(name).get('transports', [])


@contextlib.contextmanager
def broker(build, name, folder, transport='mqtt'):
    """A broker of its own, of conformance/brokers; yields its port. Its output goes to the folder."""
    with open(os.path.join(folder, 'broker.log'), 'wb') as log:
        if name == 'etalon' and transport == 'mqtt':
            path = os.path.join(folder, 'broker-port')
            with running([os.path.join(build, 'etalon'), '-p', '0', '--port-file', path], log) as process:
                yield wait_for('the broker', process, lambda: read_port(path))
            return
        with contextlib.ExitStack() as stack:
            try:
                port = start(stack, build, name, folder, transport, log)
            except CannotRun as trouble:
                if not PORT_TAKEN.search(str(trouble)):
                    raise
                again = os.path.join(folder, 'again')  # what the first one has begun is of no use to the second
                os.mkdir(again)
                port = start(stack, build, name, again, transport, log)
            yield port


# What brokers say when somebody else was quicker to listen on the port that was free.
PORT_TAKEN = re.compile('eaddrinuse|address (is )?already in use', re.IGNORECASE)


def start(stack, build, name, folder, transport, log):
    """Starts the broker, to be stopped when `stack` is closed, and waits until it listens; returns its port."""
    port = free_port()
    command = [os.path.join(BROKERS, name, 'start'), 'default', str(port), folder]
    with output_told(log.name):
        process = stack.enter_context(running(command, log, for_profiles(build, TRANSPORT=transport)))
        wait_for(name, process, lambda: answers(port), start_patience(name))
    return port


@contextlib.contextmanager
def output_told(path):
    """Adds the end of what the broker said to the reason why it cannot run."""
    try:
        yield
    except CannotRun as trouble:
        with open(path, encoding='utf-8', errors='replace') as file:
            said = file.read().strip()[-600:]
        raise CannotRun('%s%s' % (trouble, '; it said:\n' + said if said else '')) from None


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


def url(transport, port, name=None):
    """Of the broker `name` of conformance/brokers, with the credentials and the WebSocket path of its profile."""
    words = profile(name) if name else {}
    login = ':'.join(words.get('login', [])[:2])
    path = ''.join(words.get('websocket-path', [])[:1]) if transport in ('ws', 'wss') else ''
    return '%s://%s127.0.0.1:%d%s' % (transport, login + '@' if login else '', port, path)


def suite_options(build, name, transport):
    """What the suite has to be told about a broker of conformance/brokers."""
    options = ['--profile', os.path.join(BROKERS, name), '--broker-name', profile(name).get('name', [name])[0],
               '--broker-version', installed(build, name) or 'unknown']
    if transport in ('mqtts', 'wss'):
        options += ['--cafile', os.path.join(os.path.abspath(build), 'certs', 'ca.crt')]
    return options


def run_suite(build, folder, target, options, limit, **variables):
    """Runs the suite on the broker at this URL, for `limit` seconds at most; returns what its report says, which
    stays in the folder as results.json. `variables` are added to its environment."""
    path = os.path.join(folder, 'results.json')
    forget(path)
    command = [os.path.join(build, 'etalon-conformance'), '--no-progress', '--json', path]
    try:
        done = subprocess.run(command + options + [target], capture_output=True, text=True,
                              errors='replace', timeout=limit, check=False, env=for_profiles(build, **variables))
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
