"""Drives a browser without display over a pipe (the DevTools protocol), as far as the test of the report needs it."""
import base64
import json
import os
import select
import subprocess
import tempfile

FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run', '--no-proxy-server',
         '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions', '--remote-debugging-pipe']
LIMIT = 240  # seconds; ends what has failed already


class BrowserFailed(Exception):
    pass


class Browser:
    """One page. The sandbox is off because it does not work for root, nor in many containers; the page is ours."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self.out = os.pipe()
        self.incoming, from_browser = os.pipe()

        def give_pipes():  # the browser reads from 3 and writes to 4
            os.dup2(to_browser, 13)
            os.dup2(from_browser, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self.process = subprocess.Popen([program, *FLAGS, f'--user-data-dir={self.profile.name}', 'about:blank'], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=give_pipes)
        os.close(to_browser)
        os.close(from_browser)
        os.set_inheritable(self.out, False)
        self.buffer, self.number, self.events, self.session = b'', 0, [], None
        target = next(target for target in self.call('Target.getTargets')['targetInfos'] if target['type'] == 'page')
        self.session = self.call('Target.attachToTarget', targetId=target['targetId'], flatten=True)['sessionId']
        for domain in ('Page', 'Network', 'Runtime', 'Log'):
            self.call(f'{domain}.enable')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.out)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.incoming)
        self.profile.cleanup()

    def receive(self):
        while b'\0' not in self.buffer:
            if not select.select([self.incoming], [], [], LIMIT)[0]:
                raise BrowserFailed(f'the browser says nothing for {LIMIT} s')
            got = os.read(self.incoming, 1 << 20)
            if not got:
                raise BrowserFailed('the browser ended')
            self.buffer += got
        message, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': parameters}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.out, json.dumps(message).encode() + b'\0')
        while True:
            message = self.receive()
            if message.get('id') == self.number:
                if 'error' in message:
                    raise BrowserFailed(f'{method}: {message["error"]["message"]}')
                return message['result']
            self.events.append(message)

    def wait_for(self, method):
        """The next event of this kind."""
        while True:
            for index, event in enumerate(self.events):
                if event.get('method') == method:
                    return self.events.pop(index)
            self.events.append(self.receive())

    def open(self, url):
        self.call('Page.navigate', url=url)
        self.wait_for('Page.loadEventFired')

    def evaluate(self, expression):
        answer = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in answer:
            details = answer['exceptionDetails']
            raise BrowserFailed(f'{expression[:80]}: {details.get("exception", {}).get("description", details["text"])}')
        return answer['result'].get('value')

    def press(self, key, text=''):
        codes = {'Enter': 13, 'Tab': 9, 'ArrowDown': 40, 'ArrowUp': 38, 'Escape': 27, ' ': 32}
        common = {'key': key, 'code': {' ': 'Space'}.get(key, key), 'windowsVirtualKeyCode': codes.get(key, 0)}
        text = text or {'Enter': '\r', ' ': ' '}.get(key, '')
        self.call('Input.dispatchKeyEvent', type='keyDown' if text else 'rawKeyDown', **common, **({'text': text} if text else {}))
        self.call('Input.dispatchKeyEvent', type='keyUp', **common)

    def type(self, text):
        self.call('Input.insertText', text=text)

    def appear(self, width, height=900, dark=False, media=''):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call('Emulation.setEmulatedMedia', media=media,
                  features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])

    def screenshot(self, path):
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self.call('Page.captureScreenshot', format='png')['data']))

    def pdf(self, path):
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self.call('Page.printToPDF', printBackground=True, preferCSSPageSize=True)['data']))
