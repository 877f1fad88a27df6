"""Where the tree speaks of requirements: citations in code, unit tests, conformance tests and mutants."""
import os
import re

from catalogue import constant, is_of_three

# A citation in a comment, [MQTT-3.3.1-5], or several separated by commas; and the constant of the same row.
BRACKETS = re.compile(r'\[((?:MQTT|[PSRUD])3?-[0-9][^\]\n]*)\]')
CONSTANT = re.compile(r'\b(?:MQTT|[PSRUD])3?_[0-9][A-Za-z0-9_]*')
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
REASONS = 'conformance/mutants/README.md'  # where a table tells why a test has no mutant
REASONS_HEAD = '| test | why it has no mutant |'
SEARCHED = 'src tests conformance fuzz interop'.split()  # all of it must cite what exists
VERSIONS = {'V31': '3', 'V311': '3', 'V3': '3', 'V5': '5', 'V_ALL': '35'}


class Source:
    """One C file. `code` is its text with the comments blanked, so that offsets and lines stay."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
            self.text = file.read()
        self.code = TOKEN.sub(lambda match: re.sub(r'[^\n]', ' ', match[0])
                              if match[0][0] == '/' else match[0],
                              self.text)

    def line(self, offset):
        return self.text.count('\n', 0, offset) + 1

    def citations(self):
        """Every (id as C name, id as written, line)."""
        for match in BRACKETS.finditer(self.text):
            for written in re.split(r'[\s,;]+', match[1].strip()):
                yield constant(written), written, self.line(match.start())
        for match in CONSTANT.finditer(self.text):
            yield match[0], match[0], self.line(match.start())

    def calls(self, macro):
        """The uses of a macro: (line, list of arguments). Its definition is not one."""
        for match in re.finditer(r'^[ \t]*(#[^\n]*)?\b%s\s*\(' % macro, self.code, re.MULTILINE):
            if not match[1]:
                yield self.line(match.end() - 1), arguments(self.code, match.end())


def arguments(code, start):
    """The arguments of a macro whose parenthesis opened just before `start`; None if it never closes."""
    found, depth, begin, position = [], 0, start, start
    while position < len(code):
        literal = TOKEN.match(code, position)
        if literal:
            position = literal.end()
            continue
        char = code[position]
        if char in ',)' and depth == 0:
            found.append(code[begin:position].strip())
            begin = position + 1
            if char == ')':
                return found
        depth += (char in '([{') - (char in ')]}')
        position += 1
    return None


def string(argument):
    """The value of adjacent C string literals; None if the argument is anything else."""
    parts = re.findall(r'"((?:\\.|[^"\\])*)"', argument)
    if re.sub(r'"(?:\\.|[^"\\])*"|\s', '', argument) or not parts:
        return None
    return re.sub(r'\\(.)', r'\1', ''.join(parts))


def uses_permission(source, line):
    """Whether the MUTANT that begins in this line is a server within its rights."""
    begin = sum(len(text) + 1 for text in source.code.split('\n')[:line - 1])
    body = re.compile(r'=\s*\{(.*?)\};', re.DOTALL).search(source.code, begin)
    return body is not None and re.search(r'\.permitted\s*=', body[1]) is not None


def c_files(root, folder, endings=('.c', '.h')):
    paths = []
    for place, folders, names in os.walk(os.path.join(root, folder)):
        folders[:] = sorted(name for name in folders if name not in ('build', 'node_modules')
                            and name[0] != '.')
        paths += [os.path.relpath(os.path.join(place, name), root) for name in sorted(names)
                  if name.endswith(endings)]
    return paths


class Evidence:
    """For every row (by C name): places in code and unit tests, names of conformance tests and mutants."""

    def __init__(self, root, rows, errors):
        self.root, self.rows, self.errors = root, rows, errors
        self.code, self.unit, self.tests, self.mutants = {}, {}, {}, {}
        self.places = {}  # (path, line) of a conformance test or mutant by its name
        self.claims = {}  # rows that a conformance test claims, by its name
        self.named = {}  # the first mutant that breaks something and names a test, by the name of the test
        for folder in SEARCHED:
            for path in c_files(root, folder):
                self.read_citations(Source(root, path))
        self.read_property_table()
        files = [path for path in c_files(root, 'conformance', ('.c',))]
        mutants = [path for path in files if path.startswith('conformance/mutants/')]
        for path in files:
            if path not in mutants:
                self.read_tests(Source(root, path))
        for path in mutants:
            self.read_mutants(Source(root, path))
        self.check_every_test_is_named()

    def read_citations(self, source):
        kind = self.code if source.path.startswith('src/') else \
            self.unit if source.path.startswith('tests/unit/') and source.path.endswith('.c') else {}
        for name, written, line in source.citations():
            row = self.rows.get(name)
            if row is None or written not in (name, row['id']):
                self.errors.add(source.path, line, 'cites %s, which is not in the catalogue' % written)
                continue
            places = kind.setdefault(name, [])
            if (source.path, line) not in places:
                places.append((source.path, line))

    def read_property_table(self):
        """The rules of single properties are enforced by table. It counts as code once the code uses it."""
        uses = any(re.search(r'\bproperty_use\s*\(', Source(self.root, path).code)
                   for path in c_files(self.root, 'src', ('.c',)))
        path = os.path.join(self.root, 'spec/properties.tsv')
        if not uses or not os.path.exists(path):
            return
        with open(path, encoding='utf-8') as file:
            lines = [line.rstrip('\n').split('\t') for line in file]
        for number, cells in enumerate(lines[1:], 2):
            row = dict(zip(lines[0], cells))
            for column in ('repeated', 'wrong_value', 'wrong_sender'):
                if row.get(column):
                    self.code.setdefault(constant(row[column]), []).append(('spec/properties.tsv', number))

    def read_ids(self, path, line, what, list_):
        """The rows that a macro names after its title; what is no constant of the catalogue is an error."""
        names = []
        for name in list_:
            if not CONSTANT.fullmatch(name):
                self.errors.add(path, line, '%s: "%s" is not the constant of a requirement' % (what, name))
            elif name in names:
                self.errors.add(path, line, '%s names %s twice' % (what, name))
            elif name in self.rows:  # otherwise read_citations has complained
                names.append(name)
        return names

    def enter(self, path, line, kind, found, least):
        """Name of a test or mutant that is declared for the first time and has all its arguments, or None."""
        if found is None or len(found) < least or not re.fullmatch(r'\w+', found[0]):
            self.errors.add(path, line,
                            '%s that cannot be read: it takes at least %d arguments' % (kind, least))
            return None
        place = self.places.get((kind, found[0]))
        if place:
            self.errors.add(path, line,
                            '%s %s stands in %s:%d already' % (kind, found[0], place[0], place[1]))
            return None
        self.places[kind, found[0]] = (path, line)
        return found[0]

    def check_versions(self, path, line, what, mask, names):
        """A row can only be shown broken in its own version. Masks that we cannot read pass."""
        parts = [part.strip(' ()\n') for part in mask.split('|')]
        if not all(part in VERSIONS for part in parts):
            return
        versions = ''.join(VERSIONS[part] for part in parts)
        for name in names:
            if ('3' if is_of_three(name) else '5') not in versions:
                self.errors.add(path, line, '%s names %s, but does not run for that version' % (what, name))

    def read_tests(self, source):
        for line, found in source.calls('CONFORMANCE_TEST'):
            name = self.enter(source.path, line, 'CONFORMANCE_TEST', found, 5)
            if name is None:
                continue
            what = 'test %s' % name
            self.claims[name] = self.read_ids(source.path, line, what, found[4:])
            self.check_versions(source.path, line, what, found[1], self.claims[name])
            if not string(found[3]):
                self.errors.add(source.path, line, '%s has no title' % what)
            for row in self.claims[name]:
                self.tests.setdefault(row, []).append(name)

    def read_mutants(self, source):
        for line, found in source.calls('MUTANT'):
            name = self.enter(source.path, line, 'MUTANT', found, 5)
            if name is None:
                continue
            what = 'mutant %s' % name
            rows = self.read_ids(source.path, line, what, found[4:])
            self.check_versions(source.path, line, what, found[1], rows)
            if not string(found[2]):
                self.errors.add(source.path, line, '%s does not say what it breaks' % what)
            tests = (string(found[3]) or '').split()
            if uses_permission(source, line):
                self.check_permitted(source.path, line, what, rows)
            else:
                for test in tests:
                    self.named.setdefault(test, name)
            self.join_mutant(source.path, line, name, rows, tests)

    def check_permitted(self, path, line, what, rows):
        """A mutant that only uses a permission proves nothing about what a server must or should do."""
        for name in rows:
            if self.rows[name]['level'] not in ('MAY', 'IS') and 'optional' not in self.rows[name]['reason_code']:
                self.errors.add(path, line, '%s only uses a permission, which does not prove %s (%s)'
                                % (what, self.rows[name]['id'], self.rows[name]['level']))

    def join_mutant(self, path, line, name, rows, tests):
        """A mutant proves a row if a test that must fail on it claims that row."""
        what = 'mutant %s' % name
        if not tests:
            self.errors.add(path, line, '%s names no test that must fail' % what)
        known = [test for test in tests if test in self.claims]
        for test in tests:
            if test not in self.claims:
                self.errors.add(path, line, '%s: there is no conformance test %s' % (what, test))
        for row in rows:
            if any(row in self.claims[test] for test in known):
                self.mutants.setdefault(row, []).append(name)
            elif len(known) == len(tests) and tests:
                self.errors.add(path, line, '%s names %s, but none of its tests does' % (what, row))

    def check_every_test_is_named(self):
        """What no mutant names was never seen to fail, and needs a reason; what one names needs none. Mutants within
        their rights do not count: on them the tests pass. Tests of the suite itself are no tests of brokers."""
        reasons = self.read_reasons()
        for test in sorted(set(reasons) & set(self.named)):
            self.errors.add(REASONS, reasons[test], 'mutant %s names %s: it needs no reason any more'
                            % (self.named[test], test))
        for test in self.claims:
            path, line = self.places['CONFORMANCE_TEST', test]
            if path.startswith('conformance/tests/') and test not in self.named and test not in reasons:
                self.errors.add(path, line, 'test %s is named by no mutant that breaks anything, and has no reason '
                                'in %s' % (test, REASONS))

    def read_reasons(self):
        """The line of every test in the table that gives reasons; a row without one ends the table."""
        path, reasons = os.path.join(self.root, REASONS), {}
        if not os.path.exists(path):
            return reasons
        with open(path, encoding='utf-8') as file:
            lines = file.read().split('\n')
        begin = lines.index(REASONS_HEAD) + 2 if REASONS_HEAD in lines else len(lines)
        for number, line in enumerate(lines[begin:], begin + 1):
            row = re.fullmatch(r'\| `(\w+)` \| *\S.*\|', line)
            if row is None:
                break
            reasons[row[1]] = number
        return reasons
