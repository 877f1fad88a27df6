"""A strict reader of the part of TAP 14 that a report consists of: no subtests, no TODO, no bail-out."""
import json
import re

LINE = re.compile(r'(ok|not ok) ([0-9]+) - ((?:[^#\\]|\\[#\\])*)(?: # SKIP (.+))?')
KEY = re.compile(r'  ([a-z_]+): (.+)')


class NotTap(Exception):
    pass


def scalar(text, number):
    """A string in double quotes, or a number: what the report uses of YAML."""
    if re.fullmatch(r'[0-9]+', text):
        return int(text)
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise NotTap('line %d: no string: %s' % (number, text))
    return value


def block(lines, at):
    """The diagnostic that begins behind the line with the dashes; and the index behind its end."""
    found, items = {}, None
    while at < len(lines) and lines[at] != '  ...':
        line = lines[at]
        key = KEY.fullmatch(line)
        if line.startswith('    - ') and items is not None:
            items.append(scalar(line[6:], at + 1))
        elif re.fullmatch(r'  [a-z_]+:', line):
            items = found[line.strip()[:-1]] = []
        elif key:
            items, found[key[1]] = None, scalar(key[2], at + 1)
        else:
            raise NotTap('line %d: not in a diagnostic: %s' % (at + 1, line))
        at += 1
    if at == len(lines):
        raise NotTap('a diagnostic has no end')
    return found, at + 1


def unescape(text):
    return re.sub(r'\\([#\\])', r'\1', text)


def comments(text):
    """The lines that are meant for readers, outside of diagnostics."""
    return [unescape(line[2:]) for line in text.split('\n') if line.startswith('# ')]


def read(text):
    """[(passed, description, reason of the skip or None, diagnostic)]"""
    if not text.endswith('\n'):
        raise NotTap('the last line has no end')
    lines = text.split('\n')[:-1]
    if lines[0] != 'TAP version 14' or not re.fullmatch(r'1\.\.[0-9]+', lines[1]):
        raise NotTap('no version and plan')
    tests, at = [], 2
    while at < len(lines):
        if lines[at].startswith('# '):
            at += 1
            continue
        test = LINE.fullmatch(lines[at])
        if not test or int(test[2]) != len(tests) + 1:
            raise NotTap('line %d: not the next test: %s' % (at + 1, lines[at]))
        at += 1
        diagnostic = {}
        if at < len(lines) and lines[at] == '  ---':
            diagnostic, at = block(lines, at + 1)
        tests.append((test[1] == 'ok', unescape(test[3]), test[4] and unescape(test[4]), diagnostic))
    if len(tests) != int(lines[1][3:]):
        raise NotTap('%d tests, and the plan is %s' % (len(tests), lines[1]))
    return tests
