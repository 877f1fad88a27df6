"""How spec/trace shows its matrix: text, JSON, Markdown and HTML."""
import html as markup
import os

from catalogue import BODIES, body_of

COUNTED = ('rows', 'code required', 'code', 'tests required', 'tests', 'mutants required', 'mutants',
           'exceptions')


def count(rows):
    """The figures of a group of rows. `code`, `tests`, `mutants` count the required ones that are there."""
    counts = dict.fromkeys(COUNTED, 0)
    for row in rows:
        counts['rows'] += 1
        counts['exceptions'] += bool(row['excused'])
        for item, plural in (('code', 'code'), ('test', 'tests'), ('mutant', 'mutants')):
            if item in row['required']:
                counts[plural + ' required'] += 1
                counts[plural] += item not in row['missing']
    return counts


def bodies(rows):
    return [(body[0], [row for row in rows.values() if body_of(row['id']) == index])
            for index, body in enumerate(BODIES)]


def section_key(section):
    return [int(part) for part in section.split('.') if part.isdigit()]


def by_section(rows, depth):
    """Groups of rows by the first `depth` numbers of their section, in order."""
    groups = {}
    for row in rows:
        groups.setdefault('.'.join(row['section'].split('.')[:depth]), []).append(row)
    return [(section, groups[section]) for section in sorted(groups, key=section_key)]


def totals(rows, errors):
    """Everything that a machine may want to follow over time."""
    return {
        'catalogues': {title: count(group) for title, group in bodies(rows)},
        'total': count(rows.values()),
        'sections': {title: {section: count(part) for section, part in by_section(group, 2)}
                     for title, group in bodies(rows)},
        'unit tested rows': sum(bool(row['unit']) for row in rows.values()),
        'warnings': errors.warnings,
        'errors': errors.list,
    }


def text(rows, sections):
    width = max(len(body[0]) for body in BODIES)
    line = '%-' + str(width) + 's %6s %11s %11s %11s %10s'
    head = ('rows', 'code', 'tests', 'mutants', 'exceptions')

    def show(title, counts):
        pairs = ['%d/%d' % (counts[what], counts[what + ' required'])
                 for what in ('code', 'tests', 'mutants')]
        return line % (title, counts['rows'], *pairs, counts['exceptions'])
    out = [line % ('have/required', *head)]
    out += [show(title, count(group)) for title, group in bodies(rows)]
    out.append(show('all', count(rows.values())))
    for title, group in bodies(rows) if sections else []:
        out += ['', line % (title, *head)]
        out += [show('  ' + section, count(part)) for section, part in by_section(group, 2)]
    return '\n'.join(out) + '\n'


def write(path, content):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(content)


def lacks(row):
    """What a reader must know of a gap: the items, and the reason if there is one."""
    items = [item for item in ('code', 'test', 'mutant') if item in row['missing']]
    if not items:
        return ''
    return 'no ' + ', '.join(items) + (': ' + row['reason'] if row['reason'] else '')


# ------------------------------------------------------------------------------------------------- Markdown

def markdown(rows, root, path):
    """Files without line numbers, so that the document only changes when the matrix does."""
    above = os.path.relpath(root, os.path.dirname(os.path.abspath(path)))

    def files(places):
        names = sorted({place[0] for place in places})
        return '<br>'.join('[%s](%s/%s)' % (os.path.basename(name), above, name) for name in names)
    out = ['# Traceability', '',
           'Made by `spec/trace --markdown`. The columns: [spec/README.md](%s/spec/README.md).' % above,
           '', '| | rows | code | tests | mutants | exceptions |', '|---|--:|--:|--:|--:|--:|']
    for title, group in bodies(rows) + [('all', list(rows.values()))]:
        counts = count(group)
        pairs = ' | '.join('%d/%d' % (counts[what], counts[what + ' required'])
                           for what in ('code', 'tests', 'mutants'))
        out.append('| %s | %d | %s | %d |' % (title, counts['rows'], pairs, counts['exceptions']))
    for title, group in bodies(rows):
        out += ['', '## ' + title]
        for section, part in by_section(group, 2):
            out += ['', '### ' + section, '',
                    '| id | level | binds | seen | in our words | code | unit tests | conformance tests '
                    '| mutants | gap |',
                    '|---|---|---|---|---|---|---|---|---|---|']
            for row in part:
                cells = [row['id'], row['level'], row['binds'], row['observable'], row['gloss'],
                         files(row['code']), files(row['unit']), '<br>'.join(row['tests']),
                         '<br>'.join(row['mutants']), lacks(row)]
                out.append('| %s |' % ' | '.join(cell.replace('|', '\\|') if index in (4, 9) else cell
                                                 for index, cell in enumerate(cells)))
    return '\n'.join(out) + '\n'


# ----------------------------------------------------------------------------------------------------- HTML

STYLE = '''
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { border: 1px solid #ccc; padding: 3px 7px; text-align: left; vertical-align: top; }
th { background: #eee; position: sticky; top: 0; }
td.number { text-align: right; }
td.have { background: #e2f3e2; } td.excused { background: #fdf3d4; } td.missing { background: #f9d9d6; }
code { font-size: 12px; } input, select { font: inherit; margin-right: 1em; }
'''
SCRIPT = '''
const word = document.getElementById('word'), only = document.getElementById('only');
function filter() {
    for (const row of document.querySelectorAll('tr[data-gap]')) {
        const hit = row.textContent.toLowerCase().includes(word.value.toLowerCase());
        row.hidden = !(hit && (only.value === '' || row.dataset.gap.split(' ').includes(only.value)));
    }
}
word.oninput = only.onchange = filter;
'''


def cell(row, item, lines):
    """A table cell that shows what there is, or by its colour whether its absence is excused."""
    state = 'excused' if item in row['excused'] else 'missing' if item in row['missing'] else \
        'have' if lines and item else ''
    shown = '<br>'.join('<code>%s</code>' % markup.escape(line) for line in lines)
    if not lines and item in row['missing']:
        shown = markup.escape(row['reason']) if item in row['excused'] else 'missing'
    return '<td class="%s">%s</td>' % (state, shown)


def html_row(row):
    def places(list_):
        return ['%s:%d' % place for place in list_]
    plain = (row['id'], row['section'], row['level'], row['binds'], row['observable'], row['gloss'],
             row['note'])
    cells = ['<td>%s</td>' % markup.escape(value) for value in plain]
    cells += [cell(row, 'code', places(row['code'])), cell(row, '', places(row['unit'])),
              cell(row, 'test', row['tests']), cell(row, 'mutant', row['mutants'])]
    return '<tr id="%s" data-gap="%s">%s</tr>' % (markup.escape(row['id']), ' '.join(sorted(row['missing'])),
                                                  ''.join(cells))


def html(rows):
    """One page without references to anything outside it."""
    out = ['<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Traceability</title>'
           '<style>%s</style></head><body><h1>Traceability</h1>' % STYLE]
    out.append('<table><tr><th></th>%s</tr>' % ''.join('<th>%s</th>' % what for what in COUNTED))
    for title, group in bodies(rows) + [('all', list(rows.values()))]:
        counts = count(group)
        out.append('<tr><td>%s</td>%s</tr>' % (markup.escape(title), ''.join(
            '<td class="number">%d</td>' % counts[what] for what in COUNTED)))
    options = ''.join('<option value="%s">without %s</option>' % (item, item)
                      for item in ('code', 'test', 'mutant'))
    out.append('</table><p><input id="word" placeholder="id, file, test, word"><select id="only">'
               '<option value="">all rows</option>%s</select></p>' % options)
    head = ('id', 'section', 'level', 'binds', 'seen', 'gloss', 'note', 'code', 'unit tests',
            'conformance tests', 'mutants')
    for title, group in bodies(rows):
        out.append('<h2>%s</h2><table><tr>%s</tr>' % (markup.escape(title), ''.join(
            '<th>%s</th>' % name for name in head)))
        out += [html_row(row) for row in group]
        out.append('</table>')
    out.append('<script>%s</script></body></html>' % SCRIPT)
    return '\n'.join(out) + '\n'
