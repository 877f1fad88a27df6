"""The catalogue as spec/trace sees it: reading the tables, and whether they are sane."""
import hashlib
import os
import re

COLUMNS = 'id section kind level binds observable needs reason_code counterpart gloss note hash'.split()
CATALOGUES = (('spec/mqtt-5.0.tsv', 'MQTT-'), ('spec/mqtt-3.1.1.tsv', 'MQTT3-'))

# The four bodies of requirements: title, the file, which ids belong to it, how many the specification has.
BODIES = (
    ('MQTT 5.0, numbered', 'spec/mqtt-5.0.tsv', 'MQTT-', 251),
    ('MQTT 5.0, rules without number', 'spec/mqtt-5.0.tsv', 'PSRU', 152),
    ('MQTT 5.0, descriptions and permissions', 'spec/mqtt-5.0.tsv', 'D-', 192),
    ('MQTT 3.1.1, numbered', 'spec/mqtt-3.1.1.tsv', 'MQTT3-', 141),
)
VALUES = {
    'kind': 'numbered declarative protocol-error reason-code should may malformed permission must'.split(),
    'level': ['MUST', 'MUST NOT', 'MUST, MUST NOT', 'MUST (by reference)', 'SHOULD', 'MAY', 'IS', 'none'],
    'binds': 'server client both'.split(),
    'observable': 'server reaction client-only internal'.split(),
    'needs': ('retain retain-off shared-sub shared-sub-off sub-id sub-id-off wildcard-off topic-alias '
              'no-topic-alias max-qos server-max-packet server-keepalive empty-clientid clientid-policy '
              'auth-config enhanced-auth publish-refusal redirect websocket').split(),
}
PATTERNS = {
    'section': r'[0-9]+(\.[0-9]+)*',
    'reason_code': r'(|list|not 0x00|(>=)?0x[0-9A-F]{2}(,0x[0-9A-F]{2})*( optional)?)',
    'hash': r'[0-9a-f]{16}',
}
ORIGINALS = ('mqtt-v5.0-statements.tsv', 'protocol-errors-v5.0.tsv', 'declarative-v5.0.tsv',
             'mqtt-v3.1.1-statements.tsv')
TEXTS = ('mqtt-v5.0-os.md', 'mqtt-v3.1.1-os.md')
LONGEST_QUOTE = 7  # words in a row that a gloss may share with the specification


class Errors:
    """What is wrong, in the form that editors jump to."""

    def __init__(self):
        self.list, self.warnings = [], []

    def add(self, path, line, message):
        self.list.append('%s:%d: %s' % (path, line, message))

    def warn(self, message):
        self.warnings.append(message)


def constant(identifier):
    """The C name of an id; spec/generate does the same."""
    return re.sub(r'[^A-Z0-9]', '_', identifier.upper())


def body_of(identifier):
    """The index in BODIES of the body that an id belongs to."""
    if identifier.startswith('MQTT3-'):
        return 3
    if identifier.startswith('MQTT-'):
        return 0
    return 2 if identifier.startswith('D-') else 1


def read_table(root, path, columns, errors):
    """The rows of a table as dictionaries with `path` and `line`; rows of the wrong width are left out."""
    try:
        with open(os.path.join(root, path), encoding='utf-8') as file:
            lines = file.read().split('\n')
    except OSError as problem:
        errors.add(path, 1, 'cannot be read: %s' % problem.strerror)
        return []
    if lines[0].split('\t') != columns:
        errors.add(path, 1, 'the columns are not: ' + ' '.join(columns))
        return []
    rows = []
    for number, text in enumerate(lines[1:], 2):
        if text == '' and number == len(lines):
            continue
        cells = text.split('\t')
        if len(cells) != len(columns):
            errors.add(path, number, '%d columns instead of %d' % (len(cells), len(columns)))
            continue
        rows.append(dict(zip(columns, cells), path=path, line=number))
    return rows


def read_catalogue(root, errors):
    """All rows by C name, in the order of the files."""
    rows = {}
    for path, _ in CATALOGUES:
        for row in read_table(root, path, COLUMNS, errors):
            name = constant(row['id'])
            if name in rows:
                errors.add(path, row['line'], '%s stands in %s:%d already' % (row['id'], rows[name]['path'],
                                                                            rows[name]['line']))
                continue
            rows[name] = row
    return rows


def check_catalogue(rows, errors):
    """Sane values, complete bodies, a gloss for every row."""
    ids = {row['id'] for row in rows.values()}
    glossed = any(row['gloss'] for row in rows.values())
    for row in rows.values():
        check_row(row, ids, glossed, errors)
    for index, (title, path, _, expected) in enumerate(BODIES):
        found = sum(body_of(row['id']) == index and row['path'] == path for row in rows.values())
        if found != expected:
            errors.add(path, 1, '%s: %d rows instead of %d' % (title, found, expected))
    if not glossed:
        errors.warn('no row of the catalogue has a gloss yet')


def check_row(row, ids, glossed, errors):
    def wrong(message):
        errors.add(row['path'], row['line'], '%s: %s' % (row['id'], message))
    if not re.fullmatch(r'(MQTT3?|[PSRUD])-[0-9]+(\.[0-9]+)*-[0-9]+', row['id']):
        wrong('is not an id')
    if row['id'].startswith('MQTT3-') != (row['path'] == 'spec/mqtt-3.1.1.tsv'):
        wrong('stands in the wrong catalogue')
    if row['id'].startswith('MQTT') != (row['kind'] == 'numbered'):
        wrong('kind "%s" does not go with the id' % row['kind'])
    for column, values in VALUES.items():
        for value in row[column].split(' ') if column == 'needs' and row[column] else [row[column]]:
            if value not in values and (value or column != 'needs'):
                wrong('unknown %s "%s"' % (column, value))
    for column, pattern in PATTERNS.items():
        if not re.fullmatch(pattern, row[column]):
            wrong('unknown %s "%s"' % (column, row[column]))
    for other in row['counterpart'].split():
        if other not in ids or other.startswith('MQTT3-') == row['id'].startswith('MQTT3-'):
            wrong('counterpart %s is not a row of the other catalogue' % other)
    if glossed and not row['gloss'].strip():
        wrong('has no gloss')


# ------------------------------------------------------------------------------------- against the originals

def fingerprint(text):
    """The hash column: of the letters a to z alone, so that neither layout nor typography counts."""
    return hashlib.sha256(re.sub(r'[^a-z]', '', text.lower()).encode()).hexdigest()[:16]


def words(text):
    return re.findall(r"[a-z0-9]+", text.lower().replace("'", '').replace('\u2019', ''))


def runs(text):
    """All runs of words that are one word longer than a gloss may quote."""
    list_ = words(text)
    size = LONGEST_QUOTE + 1
    return {tuple(list_[i:i + size]) for i in range(len(list_) - size + 1)}


def check_originals(rows, folder, errors):
    """Compares hashes and glosses with the specification where a copy is at hand. We may not ship one."""
    if not all(os.path.exists(os.path.join(folder, name)) for name in ORIGINALS + TEXTS):
        return False
    originals = {}
    for name in ORIGINALS:
        with open(os.path.join(folder, name), encoding='utf-8') as file:
            lines = [line.rstrip('\n').split('\t') for line in file]
        for cells in lines[1:]:
            original = dict(zip(lines[0], cells))
            identifier = original.get('id') or original['key']
            if '3.1.1' in name:
                identifier = re.sub('^MQTT-', 'MQTT3-', identifier)
            originals[constant(identifier)] = original['text']
    quotable = set()
    for name in TEXTS:
        with open(os.path.join(folder, name), encoding='utf-8') as file:
            quotable |= runs(re.sub(r'(?m)^\s*[0-9]{1,4}(?=\s|$)', '', file.read()))
    for text in originals.values():
        quotable |= runs(text)
    for name, row in rows.items():
        compare_row(row, originals.get(name), quotable, errors)
    for name in originals.keys() - rows.keys():
        errors.add(CATALOGUES[name.startswith('MQTT3')][0], 1, 'no row for %s' % name)
    return True


def compare_row(row, original, quotable, errors):
    if original is None:
        errors.add(row['path'], row['line'], '%s does not exist in the specification' % row['id'])
    elif fingerprint(original) != row['hash']:
        errors.add(row['path'], row['line'], '%s: the hash is not that of the sentence, which gives %s'
                   % (row['id'], fingerprint(original)))
    for run in sorted(runs(row['gloss']) & quotable)[:1]:
        errors.add(row['path'], row['line'], '%s: the gloss quotes the specification: "%s"'
                   % (row['id'], ' '.join(run)))
