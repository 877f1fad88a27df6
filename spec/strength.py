"""Whether the tests judge as strictly as the rules they are about, and no more: a breach of a MUST fails, one of a
SHOULD is a warning, and of a permission there is none."""
import re

from evidence import Source, arguments, c_files

TESTS = 'conformance/tests'
FUNCTION = re.compile(r'^(?:static\s+|_Noreturn\s+|inline\s+)*[A-Za-z_][\w ]*[\s*]+(\w+)\([^;{}]*?\)\s*\n\{(.*?)^\}',
                      re.MULTILINE | re.DOTALL)
MACRO = re.compile(r'^#define\s+(\w+)\(((?:[^\n]*\\\n)*[^\n]*)', re.MULTILINE)
ACCUSES = re.compile(r'\b(fail|fail_expected|require)\s*\(')  # by the test's own list; fail_statement names its rule
SOFT = ('SHOULD', 'MAY')


class Functions:
    """The bodies of the functions that tests are made of, and what one of them comes to with all that it calls."""

    def __init__(self, root):
        self.anywhere, self.by_file = {}, {}
        for path in c_files(root, TESTS):
            code = Source(root, path).code
            own = {match[1]: match[2] for match in list(FUNCTION.finditer(code)) + list(MACRO.finditer(code))}
            self.by_file[path] = own
            for name, body in own.items():
                self.anywhere.setdefault(name, body)

    def closure(self, path, body):
        seen, found, todo = set(), [body], [body]
        while todo:
            for name in re.findall(r'\b(\w+)\s*\(', todo.pop()):
                called = self.by_file[path].get(name, self.anywhere.get(name))
                if called is not None and name not in seen:
                    seen.add(name)
                    found.append(called)
                    todo.append(called)
        return '\n'.join(found)


def tests(root, path):
    """(name, line, rows it claims, its body) of every test of a file."""
    source = Source(root, path)
    for match in re.finditer(r'^[ \t]*CONFORMANCE_TEST\s*\(', source.code, re.MULTILINE):
        found = arguments(source.code, match.end())
        begin = source.code.find('\n{', match.end())
        end = source.code.find('\n}', begin)
        if found and begin >= 0 <= end:
            yield found[0], source.line(match.start()), found[4:], source.code[begin:end]


def judge_test(path, test, rows, text, errors):
    name, line, claims, _ = test
    levels = {rows[row]['id']: rows[row] for row in claims if row in rows}
    accuses = ACCUSES.search(text)
    if levels and all(row['level'] in SOFT for row in levels.values()) and accuses:
        errors.add(path, line, 'test %s calls %s, though nothing that it claims is a MUST: %s'
                   % (name, accuses[1], ', '.join(sorted(levels))))
    advice = [identifier for identifier, row in levels.items()
              if row['level'] == 'SHOULD' and row['observable'] == 'server']
    if advice and not re.search(r'\bwarn\s*\(', text):
        errors.add(path, line, 'test %s never warns, though it claims a SHOULD: %s'
                   % (name, ', '.join(sorted(advice))))


def check_strength(root, rows, errors):
    functions = Functions(root)
    for path in c_files(root, TESTS, ('.c',)):
        for test in tests(root, path):
            judge_test(path, test, rows, functions.closure(path, test[3]), errors)
