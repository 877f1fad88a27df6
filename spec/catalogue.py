"""The catalogue as spec/trace sees it: reading the tables, and whether they are sane."""
import hashlib
import os
import re

COLUMNS = 'id section kind level binds observable needs reason_code counterpart gloss note hash'.split()
FIVE, THREE = 'spec/mqtt-5.0.tsv', 'spec/mqtt-3.1.1.tsv'
CATALOGUES = (FIVE, THREE)

# An id, as a pattern: of which version, and what sort of row it names. The digit tells 3.1.1.
ID = r'(?P<sort>MQTT|[PSRUD])(?P<three>3?)-[0-9]+(\.[0-9]+)*-[0-9]+'

# The bodies of requirements: title, the file, which sorts of ids belong to it, and how many there are.
BODIES = (
    ('MQTT 5.0, numbered', FIVE, ('MQTT',), 251),
    ('MQTT 5.0, rules without number', FIVE, tuple('PSRU'), 152),
    ('MQTT 5.0, descriptions and permissions', FIVE, ('D',), 192),
    ('MQTT 3.1.1, numbered', THREE, ('MQTT',), 141),
    ('MQTT 3.1.1, rules without number', THREE, tuple('PSRU'), 25),
    ('MQTT 3.1.1, descriptions and permissions', THREE, ('D',), 112),
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
LONGEST_PASSAGE = 24  # parts between punctuation marks and line ends that a hash may go over
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


def is_of_three(name):
    """Whether an id, or its C name, belongs to 3.1.1."""
    return re.match(r'(MQTT|[PSRUD])3[-_]', name) is not None


def body_of(identifier):
    """The index in BODIES of the body that an id belongs to; of what is no id, None."""
    parts = re.fullmatch(ID, identifier)
    file = THREE if is_of_three(identifier) else FIVE
    hits = [index for index, body in enumerate(BODIES) if parts and body[1] == file and parts['sort'] in body[2]]
    return hits[0] if hits else None


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
    for path in CATALOGUES:
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
    if not re.fullmatch(ID, row['id']):
        wrong('is not an id')
    if is_of_three(row['id']) != (row['path'] == THREE):
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
        if other not in ids or is_of_three(other) == is_of_three(row['id']):
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


def passages(text):
    """The fingerprints of everything in the running text of 3.1.1 that could be a sentence, a clause, an item of a
    list or a row of a table: whatever begins and ends at a line's end or at a punctuation mark. Page heads and feet
    do not count. There is no table of its sentences without number, so a row's hash is looked for here."""
    text = re.sub(r'(?m)^.*(Standards Track Work Product|mqtt-v3\.1\.1-os\s).*$', '', text)
    parts = [re.sub(r'[^a-z]', '', part.lower()) for part in re.split(r'[.:;,()\u2013]|\n', text)]
    parts = [part.encode() for part in parts if part]
    found = set()
    for begin in range(len(parts)):
        digest = hashlib.sha256()
        for part in parts[begin:begin + LONGEST_PASSAGE]:
            digest.update(part)
            found.add(digest.hexdigest()[:16])
    return found


def read_originals(folder):
    """The sentences of the tables by C name. Their ids are printed without the 3 of 3.1.1."""
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
    return originals


def check_originals(rows, folder, errors):
    """Compares hashes and glosses with the specification where a copy is at hand. We may not ship one."""
    if not all(os.path.exists(os.path.join(folder, name)) for name in ORIGINALS + TEXTS):
        return False
    originals = read_originals(folder)
    quotable = set()
    for name in TEXTS:
        with open(os.path.join(folder, name), encoding='utf-8') as file:
            quotable |= runs(re.sub(r'(?m)^\s*[0-9]{1,4}(?=\s|$)', '', file.read()))
    for text in originals.values():
        quotable |= runs(text)
    with open(os.path.join(folder, TEXTS[1]), encoding='utf-8') as file:
        unnumbered = passages(file.read())
    for name, row in rows.items():
        if is_of_three(name) and row['kind'] != 'numbered':
            compare_passage(row, unnumbered, errors)
        else:
            compare_row(row, originals.get(name), errors)
        compare_gloss(row, quotable, errors)
    for name in originals.keys() - rows.keys():
        errors.add(CATALOGUES[is_of_three(name)], 1, 'no row for %s' % name)
    return True


def compare_passage(row, found, errors):
    if row['hash'] not in found:
        errors.add(row['path'], row['line'], '%s: the hash is that of no passage of the specification' % row['id'])


def compare_row(row, original, errors):
    if original is None:
        errors.add(row['path'], row['line'], '%s does not exist in the specification' % row['id'])
    elif fingerprint(original) != row['hash']:
        errors.add(row['path'], row['line'], '%s: the hash is not that of the sentence, which gives %s'
                   % (row['id'], fingerprint(original)))


def compare_gloss(row, quotable, errors):
    for run in sorted(runs(row['gloss']) & quotable)[:1]:
        errors.add(row['path'], row['line'], '%s: the gloss quotes the specification: "%s"'
                   % (row['id'], ' '.join(run)))
