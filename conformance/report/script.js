// Shows the data of the report. Everything that came from a broker becomes text, never markup.
'use strict';
(() => {
    const data = JSON.parse(document.getElementById('data').textContent);
    const VERDICTS = ['pass', 'fail', 'warn', 'skip', 'error'];
    const SIGNS = { pass: '✓', fail: '✗', warn: '!', skip: '–', error: '?', none: '' };
    const WEIGHTS = { fail: 4, error: 3, warn: 2, pass: 1, skip: 0 };
    const VERSIONS = ['3.1', '3.1.1', '5.0'];
    const SENT = 0,
        RECEIVED = 1,
        EVENT = 2;
    const many = data.runs.length > 1;
    const byId = (id) => document.getElementById(id);

    // ---- Elements -------------------------------------------------------------------------------------------------

    // element('a', {href: '#x', class: 'y'}, 'text', child): attributes that are null or false are left out.
    function build(node, attributes, children) {
        for (const [name, value] of Object.entries(attributes || {})) {
            if (value !== null && value !== false && value !== undefined) {
                node.setAttribute(name, value === true ? '' : value);
            }
        }
        node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
        return node;
    }

    const element = (name, attributes, ...children) => build(document.createElement(name), attributes, children);
    const svg = (name, attributes, ...children) =>
        build(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

    function badge(verdict, property) {
        const word = !verdict
            ? 'not tested'
            : !property
              ? verdict
              : { pass: 'holds', warn: 'holds', fail: 'does not hold' }[verdict] || verdict;
        const sign = SIGNS[verdict || 'none'];
        return element(
            'span',
            { class: `badge ${verdict || 'none'}` },
            sign && element('span', { 'aria-hidden': 'true' }, sign + ' '),
            word,
        );
    }

    // ---- The data, joined -----------------------------------------------------------------------------------------

    const requirements = data.statements.map(([id, section, level, binds, observable, gloss, counterpart, claimed, five]) => ({
        id,
        section,
        level,
        binds,
        observable,
        gloss,
        counterpart: counterpart ? counterpart.split(' ') : [],
        claimed,
        five: Boolean(five),
        entries: [],
    }));
    const requirementOf = new Map(requirements.map((requirement) => [requirement.id, requirement]));

    // One entry for each test and version: its results of all runs.
    const entries = [];
    const properties = [];
    for (const test of data.tests) {
        const versions = new Map();
        for (const result of test.r) {
            result.verdict = VERDICTS[result.w];
            if (!versions.has(result.v)) {
                versions.set(result.v, { test, version: result.v, results: [] });
            }
            versions.get(result.v).results.push(result);
        }
        for (const entry of versions.values()) {
            entry.anchor = `test:${test.n}:${VERSIONS[entry.version]}`;
            (test.g ? properties : entries).push(entry);
            const ids = new Set(
                entry.results.flatMap((result) => [...(result.i || []), ...(result.c && !test.g ? [result.c] : [])]),
            );
            for (const id of ids) {
                const requirement = requirementOf.get(id);
                if (requirement) {
                    requirement.entries.push(entry);
                    entry.home = entry.home || requirement; // where its anchor is
                }
            }
        }
    }

    // What a result says about a statement: nothing, if it ended on a violation of another.
    const verdictOn = (result, id) => (result.verdict === 'fail' && result.c && result.c !== id ? 'error' : result.verdict);
    const claims = (result, id) => (result.i || []).includes(id) || result.c === id;

    function cellVerdict(requirement, run, version) {
        let worst = null;
        for (const entry of requirement.entries) {
            for (const result of entry.results) {
                if (result.b === run && result.v === version && claims(result, requirement.id)) {
                    const verdict = verdictOn(result, requirement.id);
                    worst = worst === null || WEIGHTS[verdict] > WEIGHTS[worst] ? verdict : worst;
                }
            }
        }
        return worst;
    }

    const numbers = (section) => section.split('.').map(Number);
    function compareSections(left, right) {
        const [a, b] = [numbers(left), numbers(right)];
        for (let i = 0; i < Math.max(a.length, b.length); i++) {
            if ((a[i] ?? -1) !== (b[i] ?? -1)) {
                return (a[i] ?? -1) - (b[i] ?? -1);
            }
        }
        return 0;
    }

    const titles = { true: new Map(), false: new Map() };
    for (const [five, three, title] of data.sections) {
        if (five) titles[true].set(five, title);
        if (three) titles[false].set(three, title);
    }
    const parts = [
        { key: 'mqtt-5.0', title: 'MQTT 5.0', five: true, versions: [2] },
        { key: 'mqtt-3', title: 'MQTT 3.1.1 and 3.1', five: false, versions: [1, 0] },
    ];
    for (const part of parts) {
        part.requirements = requirements
            .filter((requirement) => requirement.five === part.five)
            .sort((a, b) => compareSections(a.section, b.section));
    }
    for (const requirement of requirements) {
        const versions = requirement.five ? [2] : [1, 0];
        requirement.cells = data.runs.map(
            (_, run) => new Map(versions.map((version) => [version, cellVerdict(requirement, run, version)])),
        );
        requirement.words = [
            requirement.id,
            requirement.gloss,
            ...requirement.entries.flatMap(({ test, results }) => [
                test.n,
                test.t,
                ...results.flatMap((result) => [result.a || '', result.r || '']),
            ]),
        ]
            .join(' ')
            .toLowerCase();
    }

    function totalsOf(run, version) {
        const totals = { pass: 0, fail: 0, warn: 0, skip: 0, error: 0 };
        for (const entry of entries) {
            for (const result of entry.results) {
                if (result.b === run && (version === null || result.v === version)) totals[result.verdict]++;
            }
        }
        return totals;
    }
    const sum = (totals) => Object.values(totals).reduce((a, b) => a + b, 0);

    // ---- Summary --------------------------------------------------------------------------------------------------

    function facts(run) {
        return [
            run.target && `${run.target}${run.transport ? ` over ${run.transport}` : ''}`,
            run.configuration && `configuration ${run.configuration}`,
            run.started && run.started.replace('T', ' ').replace('Z', ' UTC'),
            run.suite,
            `${run.seconds} s`,
            `seed ${run.seed}`,
        ].filter(Boolean);
    }

    function bar(totals) {
        const shown = ['fail', 'error', 'warn', 'pass', 'skip'].filter((verdict) => totals[verdict]);
        const words = shown.map((verdict) => `${totals[verdict]} ${verdict}`).join(', ');
        return element(
            'div',
            { class: 'bar', role: 'img', 'aria-label': words, title: words },
            shown.map((verdict) => {
                const piece = element('span', { class: verdict });
                piece.style.flex = `${totals[verdict]} 0 0`;
                return piece;
            }),
        );
    }

    function totalsRow(head, totals, more = []) {
        const number = (value) => element('td', {}, value ? String(value) : element('span', { class: 'zero' }, '0'));
        return element(
            'tr',
            {},
            element('th', { scope: 'row' }, head),
            number(totals.pass + totals.warn),
            number(totals.fail),
            number(totals.error),
            number(totals.warn),
            number(totals.skip),
            element('td', { class: 'text' }, bar(totals)),
            more.map((text) => element('td', {}, text)),
        );
    }

    // How many of the tests that apply passed.
    function share(totals) {
        const applying = sum(totals) - totals.skip;
        return applying ? `${totals.pass + totals.warn} of ${applying}` : 'none';
    }

    function holding(run, group) {
        const results = properties
            .filter((entry) => entry.test.g === group)
            .flatMap((entry) => entry.results)
            .filter((result) => result.b === run);
        const count = (...verdicts) => results.filter((result) => verdicts.includes(result.verdict)).length;
        const [held, broken, skipped, errors] = [count('pass', 'warn'), count('fail'), count('skip'), count('error')];
        if (!results.length) return null;
        return `${group}: ${held} of ${held + broken} properties hold${skipped ? `, ${skipped} skipped` : ''}${errors ? `, ${errors} could not be looked at` : ''}`;
    }

    const groups = [...new Set(properties.map((entry) => entry.test.g))];
    // Groups of behaviour, of which a test may have several, that occur here.
    const behaviours = data.groups
        .map(([name, title], number) => ({ name, title, number }))
        .filter(({ number }) => [...entries, ...properties].some((entry) => inGroup(entry, number)));
    function inGroup(entry, number) {
        return entry.results.some((result) => result.q.includes(number));
    }

    function offer(run) {
        return run.capabilities
            .map((found, version) =>
                !found.accepted
                    ? found.refusal && `MQTT ${VERSIONS[version]}: not spoken, ${found.refusal}`
                    : `MQTT ${VERSIONS[version]}: maximum QoS ${found.qos}${found.has.map((name) => `, ${name}`).join('')}`,
            )
            .filter(Boolean)
            .reverse();
    }

    function sentence(run) {
        const totals = totalsOf(run, null);
        const tests = sum(totals) - totals.skip;
        if (!tests) return 'No test of what the specification demands was run.';
        if (!totals.fail && !totals.error)
            return `All ${tests} tests that apply passed${totals.warn ? `, ${totals.warn} of them with a warning` : ''}.`;
        return `${totals.fail} of ${tests} tests that apply failed${totals.error ? `, ${totals.error} could not be run` : ''}.`;
    }

    function showSummary() {
        const summary = byId('summary');
        const heads = [
            many ? 'Broker' : 'Version',
            'passed',
            'failed',
            'errors',
            'warnings',
            'skipped',
            '',
            ...(many ? [2, 1, 0].map((version) => `passed in ${VERSIONS[version]}`) : []),
        ];
        const rows = many
            ? data.runs.map((run, i) =>
                  totalsRow(
                      run.title,
                      totalsOf(i, null),
                      [2, 1, 0].map((version) => share(totalsOf(i, version))),
                  ),
              )
            : [
                  ...[2, 1, 0]
                      .map((version) => [version, totalsOf(0, version)])
                      .filter(([, totals]) => sum(totals))
                      .map(([version, totals]) => totalsRow(`MQTT ${VERSIONS[version]}`, totals)),
                  totalsRow('all', totalsOf(0, null)),
              ];
        if (!many) summary.append(element('p', { class: 'verdict-sentence' }, sentence(0)));
        summary.append(
            element(
                'div',
                { class: 'scroll' },
                element(
                    'table',
                    {},
                    element(
                        'thead',
                        {},
                        element(
                            'tr',
                            {},
                            heads.map((head) => (head ? element('th', { scope: 'col' }, head) : element('td'))),
                        ),
                    ),
                    element('tbody', {}, rows),
                ),
            ),
        );
        for (const [i, run] of data.runs.entries()) {
            const lines = [
                ...(many ? [facts(run).join(' · ')] : []),
                ...groups.map((group) => holding(i, group)).filter(Boolean),
                ...offer(run),
            ];
            summary.append(
                many
                    ? element(
                          'details',
                          { class: 'fold' },
                          element('summary', {}, run.title),
                          lines.map((line) => element('p', { class: 'meta' }, line)),
                      )
                    : element(
                          'div',
                          {},
                          lines.map((line) => element('p', { class: 'meta' }, line)),
                      ),
            );
        }
        byId('facts').append(many ? `${data.runs.map((run) => run.title).join(' · ')}` : facts(data.runs[0]).join(' · '));
    }

    // ---- Losses of the server -------------------------------------------------------------------------------------

    // The page tells them without a script. The tests that they name, "name (MQTT 5.0)", lead to what became of them.
    function linkLosses() {
        const anchors = new Set([...entries, ...properties].map((entry) => entry.anchor));
        for (const line of document.querySelectorAll('#losses p')) {
            const sentence = line.lastChild;
            const pieces = sentence.data.split(/([a-z0-9_]+ \(MQTT [0-9.]+\))/).map((piece) => {
                const anchor = piece.replace(/^([a-z0-9_]+) \(MQTT ([0-9.]+)\)$/, 'test:$1:$2');
                return anchors.has(anchor) ? element('a', { href: `#${anchor}` }, piece) : piece;
            });
            sentence.replaceWith(...pieces);
        }
    }

    // ---- Sequence diagrams ----------------------------------------------------------------------------------------

    const KINDS = {
        CONNECT: 'connect',
        CONNACK: 'connect',
        PUBLISH: 'publish',
        PUBACK: 'flow',
        PUBREC: 'flow',
        PUBREL: 'flow',
        PUBCOMP: 'flow',
        SUBSCRIBE: 'subscribe',
        SUBACK: 'subscribe',
        UNSUBSCRIBE: 'subscribe',
        UNSUBACK: 'subscribe',
        PINGREQ: 'ping',
        PINGRESP: 'ping',
        DISCONNECT: 'goodbye',
        AUTH: 'auth',
    };
    const ROW = 30,
        HEAD = 46,
        GUTTER = 74,
        CHARACTER = 7.25;

    const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(3)} s`;
    const cut = (text, width) =>
        text.length * CHARACTER <= width ? text : text.slice(0, Math.max(4, Math.floor(width / CHARACTER) - 1)) + '…';

    // The places of the lifelines: the server stands behind the first client.
    function lifelines(clients) {
        const names = [clients[0], 'server', ...clients.slice(1)];
        const room = (byId('results').clientWidth - 300) / (names.length - 1);
        const gap = Math.max(200, Math.min(clients.length === 1 ? 480 : 350, room)); // rather scroll than show no words
        const x = (column) => GUTTER + 60 + column * gap;
        return {
            names,
            x,
            gap,
            server: x(1),
            ofClient: (client) => x(client === 0 ? 0 : client + 1),
            width: x(names.length - 1) + 75,
        };
    }

    function whoRow(lines, y) {
        return lines.names.map((name, i) =>
            svg(
                'g',
                { class: 'who' },
                svg('rect', { x: lines.x(i) - 62, y, width: 124, height: 24, rx: 5 }),
                svg('text', { x: lines.x(i), y: y + 16 }, cut(name, 116)),
            ),
        );
    }

    function eventRow(lines, entry, y) {
        const x = lines.ofClient(entry[2]),
            text = data.lines[entry[3]];
        const over = /clos|reset/.test(text);
        const mark = over
            ? [
                  svg('line', { class: 'stop', x1: x - 5, y1: y - 5, x2: x + 5, y2: y + 5 }),
                  svg('line', { class: 'stop', x1: x - 5, y1: y + 5, x2: x + 5, y2: y - 5 }),
              ]
            : [svg('circle', { class: 'dot', cx: x, cy: y, r: 3.5 })];
        return svg(
            'g',
            { class: 'event' },
            svg('text', { class: 'time', x: 6, y: y + 4 }, seconds(entry[0])),
            mark,
            svg('text', x > lines.server ? { x: x - 11, y: y + 4, 'text-anchor': 'end' } : { x: x + 11, y: y + 4 }, text),
        );
    }

    function arrowRow(lines, clients, entry, y) {
        const [time, direction, client, line, wrong] = entry;
        const text = data.lines[line],
            type = text.split(' ', 1)[0];
        const mine = lines.ofClient(client),
            server = lines.server;
        const [from, to] = direction === SENT ? [mine, server] : [server, mine];
        const left = Math.min(from, to),
            width = Math.abs(from - to) - 26,
            head = to > from ? -9 : 9;
        const label = cut(text, width);
        const words = `${seconds(time)}, ${direction === SENT ? `${clients[client]} to server` : `server to ${clients[client]}`}: ${text}${wrong ? ' (malformed or against the protocol)' : ''}`;
        return svg(
            'g',
            {
                class: `arrow ${KINDS[type] || 'other'}`,
                role: 'button',
                tabindex: '-1',
                'aria-expanded': 'false',
                'aria-label': words,
            },
            svg('title', {}, words),
            svg('rect', { class: 'hit', x: 1.5, y: y - 20, width: lines.width - 3, height: ROW - 2, rx: 4 }),
            svg('text', { class: 'time', x: 6, y: y - 2 }, seconds(time)),
            svg(
                'text',
                { x: left + 13, y: y - 5 },
                svg('tspan', { class: 'type' }, label.slice(0, type.length)),
                label.slice(type.length),
                wrong ? svg('tspan', { class: 'wrong' }, ' ⚠') : null,
            ),
            svg('line', { x1: from, y1: y, x2: to + head / 2, y2: y }),
            svg('path', { d: `M${to},${y} l${head},-4.5 l0,9 z` }),
        );
    }

    // The rows and, by arrow, its entry.
    function drawRows(result, lines, drawing) {
        const arrows = [];
        let y = HEAD - 8;
        for (const entry of result.x) {
            y += ROW;
            if (entry.length === 1) {
                drawing.append(svg('text', { class: 'gap', x: GUTTER, y: y }, `… ${entry[0]} more …`));
            } else if (entry[1] === EVENT) {
                drawing.append(eventRow(lines, entry, y - 5));
            } else {
                const arrow = arrowRow(lines, result.k, entry, y);
                arrows.push([arrow, entry]);
                drawing.append(arrow);
            }
        }
        return [arrows, y + 16];
    }

    function fieldsBox() {
        const title = element('span'),
            text = element('pre', { tabindex: '0', 'aria-label': 'Fields of the packet' }),
            close = element('button', { type: 'button' }, 'Close');
        const box = element(
            'div',
            { class: 'fields', hidden: true, 'aria-live': 'polite' },
            element('div', { class: 'bar-of' }, title, close),
            text,
        );
        return { box, title, text, close };
    }

    // Enter, space or a click shows the fields of a packet; the arrow keys go from one to the next.
    function makeInteractive(arrows, result, fields) {
        let current = null;
        const hide = () => {
            fields.box.hidden = true;
            if (current) current.setAttribute('aria-expanded', 'false');
            current = null;
        };
        const show = ([arrow, entry]) => {
            const again = current === arrow;
            hide();
            if (again) return;
            current = arrow;
            arrow.setAttribute('aria-expanded', 'true');
            fields.title.textContent = `${seconds(entry[0])}  ${entry[1] === SENT ? `${result.k[entry[2]]} → server` : `server → ${result.k[entry[2]]}`}`;
            fields.text.textContent = data.dissections[entry[5]].map((line) => data.lines[line]).join('\n');
            fields.box.hidden = false;
            const covered = arrow.getBoundingClientRect().bottom - fields.box.getBoundingClientRect().top; // the box stays in sight
            if (covered > 0) window.scrollBy(0, covered + ROW);
        };
        const move = (index) => {
            const [arrow] = arrows[Math.max(0, Math.min(arrows.length - 1, index))];
            for (const [other] of arrows) other.setAttribute('tabindex', other === arrow ? '0' : '-1');
            arrow.focus();
        };
        arrows.forEach((pair, index) => {
            const steps = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: arrows.length - 1 };
            pair[0].addEventListener('click', () => {
                move(index);
                show(pair);
            });
            pair[0].addEventListener('keydown', (event) => {
                if (event.key === 'Enter' || event.key === ' ') show(pair);
                else if (event.key in steps) move(steps[event.key]);
                else if (event.key === 'Escape') hide();
                else return;
                event.preventDefault();
            });
        });
        fields.close.addEventListener('click', () => {
            const arrow = current;
            hide();
            if (arrow) arrow.focus();
        });
        if (arrows.length) arrows[0][0].setAttribute('tabindex', '0');
    }

    function asText(result) {
        return result.x
            .map((entry) =>
                entry.length === 1
                    ? `          … ${entry[0]} more …`
                    : `${(entry[0] / 1000).toFixed(3).padStart(8)}  ${result.k[entry[2]].padEnd(12)} ${['-->', '<--', ' . '][entry[1]]} ${data.lines[entry[3]]}`,
            )
            .join('\n');
    }

    function diagram(result) {
        if (!result.x) {
            return result.o
                ? element(
                      'p',
                      { class: 'meta' },
                      `The exchange (${result.o[1]} packets and events) is in reports made with --html-packets brief or full.`,
                  )
                : null;
        }
        const lines = lifelines(result.k);
        const drawing = svg('svg', { role: 'group', 'aria-label': 'Sequence of the packets' });
        const lives = lines.names.map((_, i) => svg('line', { class: 'life', x1: lines.x(i), x2: lines.x(i), y1: 30 }));
        drawing.append(...lives, ...whoRow(lines, 6));
        const [arrows, height] = drawRows(result, lines, drawing);
        lives.forEach((life) => life.setAttribute('y2', height));
        build(drawing, { width: lines.width, height: height + 6, viewBox: `0 0 ${lines.width} ${height + 6}` }, []);
        const fields = fieldsBox();
        makeInteractive(arrows, result, fields);
        return element(
            'figure',
            {},
            element(
                'figcaption',
                {},
                'The exchange. Choose a packet (click, or Enter; arrow keys go from one to the next) to see its fields.',
            ),
            element('div', { class: 'diagram', tabindex: '0', role: 'region', 'aria-label': 'Sequence diagram' }, drawing),
            fields.box,
            element(
                'details',
                { class: 'fold' },
                element('summary', {}, 'As text'),
                element('pre', { class: 'text', tabindex: '0' }, asText(result)),
            ),
        );
    }

    // ---- Tests and requirements -----------------------------------------------------------------------------------

    const link = (id) => element('a', { class: 'ref', href: `#${id}` }, `[${id}]`);

    function statementLine(id) {
        const requirement = requirementOf.get(id);
        return requirement ? [link(id), ' ', requirement.gloss] : [`[${id}]`];
    }

    function panel(entry, result) {
        const { test } = entry;
        const rows = [];
        const row = (term, kind, ...content) => rows.push(element('dt', {}, term), element('dd', { class: kind }, content));
        if (result.c) row('Violated', null, statementLine(result.c));
        if (result.e) row('Expected', null, result.e);
        if (result.a) row('Observed', result.verdict === 'fail' ? 'observed' : null, result.a);
        else if (result.r) row('Reason', null, result.r);
        if (result.n)
            row(
                'Notes',
                null,
                element(
                    'ul',
                    {},
                    result.n.map((note) => element('li', {}, note)),
                ),
            );
        if (result.i && result.i.length) row('Requirements', null, result.i.map((id) => [link(id), ' ']).flat());
        const behaviour = result.q.map((number) => data.groups[number][0]).filter((name) => name !== 'conformance');
        if (behaviour.length) row('Groups', null, behaviour.join(', '));
        row('Source', null, element('code', {}, `${test.f || 'unknown'}:${test.l}`), `, ${result.s.toFixed(3)} s `);
        row(
            'Run it again',
            null,
            element(
                'code',
                {},
                `etalon-conformance -V ${VERSIONS[result.v]} -v -t ${test.n} ${data.runs[result.b].target || ''}`,
            ),
        );
        row('Link', null, element('a', { href: `#${entry.anchor}` }, `#${entry.anchor}`));
        return element(
            'div',
            { class: 'panel' },
            many && element('h5', {}, badge(result.verdict, test.g), ' ', data.runs[result.b].title),
            element('dl', {}, rows),
            diagram(result),
        );
    }

    // A <details> whose content is made when it is opened for the first time.
    function lazily(details, fill) {
        details.addEventListener('toggle', () => {
            if (details.open && !details.dataset.filled) {
                details.dataset.filled = 'yes';
                fill(details);
            }
        });
        details.fill = () => {
            if (!details.dataset.filled) {
                details.dataset.filled = 'yes';
                fill(details);
            }
            details.open = true;
        };
        return details;
    }

    function testRow(entry, isHome) {
        const { test } = entry;
        const badges = entry.results.map((result) =>
            element(
                'span',
                {},
                many && element('span', { class: 'quiet' }, `${data.runs[result.b].title} `),
                badge(result.verdict, test.g),
            ),
        );
        const row = element(
            'details',
            { class: 'test', id: isHome ? entry.anchor : null, tabindex: null },
            element(
                'summary',
                {},
                badges,
                element('span', { class: 'quiet' }, VERSIONS[entry.version]),
                element('span', { class: 'title' }, test.t),
                element('code', { class: 'name' }, test.n),
            ),
        );
        return lazily(row, (details) => details.append(...entry.results.map((result) => panel(entry, result))));
    }

    function whyUntested(requirement) {
        if (requirement.claimed) return 'The suite has a test of it, which was not part of this run.';
        if (requirement.observable === 'client-only') return 'No test: it binds clients, and no broker can be measured by it.';
        if (requirement.observable === 'internal') return 'No test: from outside it cannot be seen.';
        return 'No test.';
    }

    function cellsOf(requirement) {
        return element(
            'span',
            { class: 'cells' },
            requirement.cells.map((cell, run) =>
                element(
                    'span',
                    { class: 'cell', 'data-run': many ? data.runs[run].title : null },
                    [...cell]
                        .filter(([version, verdict]) => verdict || version !== 0)
                        .map(([version, verdict]) =>
                            element(
                                'span',
                                {},
                                requirement.five ? null : element('span', { class: 'of' }, VERSIONS[version]),
                                badge(verdict),
                            ),
                        ),
                ),
            ),
        );
    }

    function requirementBody(requirement, details) {
        const meta = [
            requirement.level,
            requirement.binds && `binds ${requirement.binds === 'both' ? 'client and server' : requirement.binds}`,
            `section ${requirement.section} of MQTT ${requirement.five ? '5.0' : '3.1.1'}`,
        ]
            .filter(Boolean)
            .join(' · ');
        details.append(
            element(
                'div',
                { class: 'body' },
                element(
                    'p',
                    { class: 'meta' },
                    meta,
                    requirement.counterpart.length ? ' · the same in the other version: ' : '',
                    requirement.counterpart.map((id) => [link(id), ' ']).flat(),
                    ' · ',
                    element('a', { href: `#${requirement.id}`, 'aria-label': `Link to ${requirement.id}` }, 'link'),
                ),
                requirement.entries.length
                    ? requirement.entries.map((entry) => testRow(entry, entry.home === requirement))
                    : element('p', {}, whyUntested(requirement)),
            ),
        );
    }

    function requirementRow(requirement) {
        const row = element(
            'details',
            { class: 'requirement', id: requirement.id },
            element(
                'summary',
                {},
                element('code', { class: 'id' }, requirement.id),
                element('span', { class: 'gloss' }, requirement.gloss),
                cellsOf(requirement),
            ),
        );
        requirement.row = lazily(row, (details) => requirementBody(requirement, details));
        return row;
    }

    const headingId = (part, section) => `${part.key}:${section}`;

    function showPart(part, results) {
        const box = element(
            'section',
            { id: part.key, 'aria-labelledby': `${part.key}-title` },
            element('h2', { id: `${part.key}-title` }, part.title),
        );
        if (many) {
            box.append(
                element(
                    'div',
                    { class: 'heads', 'aria-hidden': 'true' },
                    element('span', {}, 'requirement'),
                    element('span'),
                    element(
                        'span',
                        { class: 'cells' },
                        data.runs.map((run) => element('span', {}, run.title)),
                    ),
                ),
            );
        }
        part.sections = [];
        let block = null;
        const open = (section) => {
            const level = section.split('.').length <= 2 ? 'h3' : 'h4';
            block = {
                section,
                requirements: [],
                box: element(
                    'div',
                    { class: 'section', id: headingId(part, section) },
                    element(level, {}, element('span', { class: 'number' }, section), ' ', titles[part.five].get(section) || ''),
                ),
            };
            part.sections.push(block);
            box.append(block.box);
        };
        const openWithParents = (section) => {
            const pieces = section.split('.');
            for (let depth = Math.min(2, pieces.length); depth <= pieces.length; depth++) {
                const prefix = pieces.slice(0, depth).join('.');
                if ((depth === 2 || depth === pieces.length) && !part.sections.some((known) => known.section === prefix))
                    open(prefix);
            }
        };
        for (const requirement of part.requirements) {
            if (!block || block.section !== requirement.section) openWithParents(requirement.section);
            block.requirements.push(requirement);
            block.box.append(requirementRow(requirement));
        }
        results.append(box);
        part.box = box;
    }

    function showProperties(results) {
        for (const group of groups) {
            const members = properties.filter((entry) => entry.test.g === group);
            const box = element(
                'section',
                { id: `property:${group}`, 'aria-labelledby': `property:${group}:title` },
                element('h2', { id: `property:${group}:title` }, `Properties: ${group}`),
                element(
                    'p',
                    { class: 'meta' },
                    'What people expect of a broker and the specification does not demand. ',
                    data.runs
                        .map((_, run) => holding(run, group))
                        .filter(Boolean)
                        .join(' · '),
                ),
            );
            for (const entry of members) {
                entry.row = testRow(entry, true);
                entry.words = `${entry.test.n} ${entry.test.t}`.toLowerCase();
                box.append(entry.row);
            }
            results.append(box);
            groupBoxes.set(group, box);
        }
    }
    const groupBoxes = new Map();

    // ---- Findings -------------------------------------------------------------------------------------------------

    function finding(entry, result) {
        const ids = result.c ? [result.c] : result.i || [];
        return element(
            'li',
            {},
            badge(result.verdict, entry.test.g),
            ' ',
            many && element('strong', {}, `${data.runs[result.b].title} `),
            element('span', { class: 'quiet' }, `MQTT ${VERSIONS[result.v]} `),
            element('a', { href: `#${entry.anchor}` }, entry.test.t),
            ' ',
            ids
                .slice(0, 3)
                .map((id) => [link(id), ' '])
                .flat(),
            element(
                'p',
                { class: 'why' },
                result.e
                    ? [element('b', {}, 'expected '), result.e, element('b', {}, ' observed '), result.a || '']
                    : result.r || (result.n || []).filter((note) => note.startsWith('warning: ')).join(' ') || '',
            ),
        );
    }

    function foldedFindings(title, pairs, open) {
        if (!pairs.length) return null;
        return element(
            'details',
            { class: 'fold', open },
            element('summary', {}, `${title} (${pairs.length})`),
            element(
                'ul',
                { class: 'findings' },
                pairs.map(([entry, result]) => finding(entry, result)),
            ),
        );
    }

    function showFindings(results) {
        const of = (list, verdict) =>
            list.flatMap((entry) =>
                entry.results.filter((result) => result.verdict === verdict).map((result) => [entry, result]),
            );
        const failures = of(entries, 'fail');
        const lists = [
            foldedFindings('Failures', failures, !many && failures.length <= 60),
            foldedFindings('Could not be run', of(entries, 'error'), false),
            foldedFindings('Warnings: a recommendation is not followed', of(entries, 'warn'), false),
            foldedFindings('Properties that do not hold, which the specification does not demand', of(properties, 'fail'), false),
            foldedFindings('Properties that could not be looked at', of(properties, 'error'), false),
        ].filter(Boolean);
        results.append(
            element(
                'section',
                { id: 'findings', 'aria-labelledby': 'findings-title' },
                element('h2', { id: 'findings-title' }, 'Findings'),
                lists.length ? lists : element('p', {}, 'None: no failure, no warning, and whatever was tested could be tested.'),
            ),
        );
    }

    // ---- Navigation -----------------------------------------------------------------------------------------------

    function badOf(requirement) {
        return requirement.cells.some((cell) => [...cell.values()].some((verdict) => verdict === 'fail' || verdict === 'error'));
    }

    function sectionLink(href, number, name, bad) {
        return element(
            'li',
            {},
            element(
                'a',
                { href, title: name },
                element('span', { class: 'number' }, number),
                element('span', { class: 'name' }, name),
                bad ? element('span', { class: 'bad' }, String(bad), element('span', { class: 'quiet' }, '')) : null,
            ),
        );
    }

    function showSections() {
        const nav = byId('sections');
        nav.append(element('ul', {}, sectionLink('#findings', '', 'Findings', 0)));
        for (const part of parts) {
            const list = element('ul');
            for (const block of part.sections.filter((candidate) => candidate.section.split('.').length <= 2)) {
                const within = part.requirements.filter(
                    (requirement) => requirement.section === block.section || requirement.section.startsWith(`${block.section}.`),
                );
                list.append(
                    sectionLink(
                        `#${headingId(part, block.section)}`,
                        block.section,
                        titles[part.five].get(block.section) || '',
                        within.filter(badOf).length,
                    ),
                );
            }
            nav.append(element('p', {}, element('a', { href: `#${part.key}` }, part.title)), list);
        }
        if (groups.length) {
            nav.append(
                element('p', {}, 'Properties'),
                element(
                    'ul',
                    {},
                    groups.map((group) =>
                        sectionLink(
                            `#property:${group}`,
                            '',
                            group,
                            properties.filter(
                                (entry) => entry.test.g === group && entry.results.some((result) => result.verdict === 'fail'),
                            ).length,
                        ),
                    ),
                ),
            );
        }
    }

    // ---- Filters --------------------------------------------------------------------------------------------------

    const wanted = { text: '', verdicts: new Set(), version: '', section: '', group: '', differences: false };

    function cellsWanted(requirement) {
        return requirement.cells.flatMap((cell) =>
            [...cell]
                .filter(([version]) => !wanted.version || VERSIONS[version] === wanted.version)
                .map(([, verdict]) => verdict),
        );
    }

    function differs(requirement) {
        const versions = (requirement.five ? [2] : [1, 0]).filter(
            (version) => !wanted.version || VERSIONS[version] === wanted.version,
        );
        return versions.some((version) => new Set(requirement.cells.map((cell) => cell.get(version)).filter(Boolean)).size > 1);
    }

    const hasText = (words) => wanted.text.split(/\s+/).every((word) => words.includes(word));

    function requirementWanted(requirement) {
        const cells = cellsWanted(requirement);
        const within =
            !wanted.section || requirement.section === wanted.section || requirement.section.startsWith(`${wanted.section}.`);
        const verdict = !wanted.verdicts.size || cells.some((cell) => wanted.verdicts.has(cell || 'none'));
        return (
            within &&
            verdict &&
            cells.length > 0 &&
            (wanted.group === '' || requirement.entries.some((entry) => inGroup(entry, Number(wanted.group)))) &&
            (!wanted.differences || differs(requirement)) &&
            hasText(requirement.words)
        );
    }

    function propertyWanted(entry) {
        const verdict = !wanted.verdicts.size || entry.results.some((result) => wanted.verdicts.has(result.verdict));
        const different = !wanted.differences || new Set(entry.results.map((result) => result.verdict)).size > 1;
        return (
            !wanted.section &&
            verdict &&
            different &&
            (!wanted.version || VERSIONS[entry.version] === wanted.version) &&
            (wanted.group === '' || inGroup(entry, Number(wanted.group))) &&
            hasText(entry.words)
        );
    }

    function applyFilters() {
        let shown = 0,
            shownProperties = 0;
        for (const part of parts) {
            let any = false;
            for (const block of part.sections) {
                for (const requirement of block.requirements) {
                    requirement.row.hidden = !requirementWanted(requirement);
                    shown += !requirement.row.hidden;
                }
            }
            for (const block of part.sections) {
                const inside = part.sections.filter((other) => other === block || other.section.startsWith(`${block.section}.`));
                block.box.hidden = !inside.some((other) => other.requirements.some((requirement) => !requirement.row.hidden));
                any = any || !block.box.hidden;
            }
            part.box.hidden = !any;
        }
        for (const entry of properties) {
            entry.row.hidden = !propertyWanted(entry);
            shownProperties += !entry.row.hidden;
        }
        for (const [group, box] of groupBoxes)
            box.hidden = !properties.some((entry) => entry.test.g === group && !entry.row.hidden);
        byId('count').textContent =
            `${shown} of ${requirements.length} requirements${properties.length ? `\n${shownProperties} of ${properties.length} properties` : ''}`;
    }

    function select(label, name, options, onChange) {
        const box = element(
            'select',
            { name },
            options.map(([value, text, title]) => element('option', { value, title }, text)),
        );
        box.addEventListener('change', () => {
            onChange(box.value);
            applyFilters();
        });
        return element('label', {}, element('span', {}, label), box);
    }

    function verdictButtons() {
        const buttons = [...VERDICTS, 'none'].map((verdict) => {
            const button = element(
                'button',
                { type: 'button', 'aria-pressed': 'false', 'data-verdict': verdict },
                verdict === 'none' ? 'not tested' : verdict,
            );
            button.addEventListener('click', () => {
                const on = !wanted.verdicts.has(verdict);
                wanted.verdicts[on ? 'add' : 'delete'](verdict);
                button.setAttribute('aria-pressed', String(on));
                applyFilters();
            });
            return button;
        });
        return element('fieldset', {}, element('legend', {}, 'Verdict'), element('div', { class: 'choices' }, buttons));
    }

    function sectionOptions() {
        const seen = new Map();
        for (const part of parts)
            for (const block of part.sections)
                if (block.section.split('.').length <= 2) {
                    const name = titles[part.five].get(block.section) || '';
                    seen.set(
                        block.section,
                        seen.has(block.section) && seen.get(block.section) !== name
                            ? `${seen.get(block.section)} / ${name}`
                            : name,
                    );
                }
        return [
            ['', 'all'],
            ...[...seen].sort(([a], [b]) => compareSections(a, b)).map(([section, name]) => [section, `${section} ${name}`]),
        ];
    }

    function showFilters() {
        const search = element('input', { type: 'search', name: 'q', placeholder: 'id, words, test', autocomplete: 'off' });
        search.addEventListener('input', () => {
            wanted.text = search.value.trim().toLowerCase();
            applyFilters();
        });
        const form = byId('filters');
        form.addEventListener('submit', (event) => event.preventDefault());
        form.append(
            element('label', { class: 'search' }, element('span', {}, 'Search'), search),
            verdictButtons(),
            select(
                'Version',
                'version',
                [['', 'all'], ...[...VERSIONS].reverse().map((version) => [version, version])],
                (value) => {
                    wanted.version = value;
                },
            ),
            select('Section', 'section', sectionOptions(), (value) => {
                wanted.section = value;
            }),
        );
        if (behaviours.length > 1) {
            form.append(
                select(
                    'Group',
                    'group',
                    [['', 'all'], ...behaviours.map(({ name, title, number }) => [number, name, title])],
                    (value) => {
                        wanted.group = value;
                    },
                ),
            );
        }
        if (many) {
            const check = element('input', { type: 'checkbox', name: 'differences' });
            check.addEventListener('change', () => {
                wanted.differences = check.checked;
                applyFilters();
            });
            form.append(element('label', { class: 'check' }, check, element('span', {}, 'only differences')));
        }
        form.append(element('p', { id: 'count', role: 'status' }));
    }

    function resetFilters() {
        Object.assign(wanted, { text: '', verdicts: new Set(), version: '', section: '', group: '', differences: false });
        byId('filters').reset();
        for (const button of byId('filters').querySelectorAll('button[aria-pressed]'))
            button.setAttribute('aria-pressed', 'false');
        applyFilters();
    }

    // ---- Anchors: #MQTT-3.1.2-4, #test:NAME:5.0 --------------------------------------------------------------------

    function follow() {
        const id = decodeURIComponent(location.hash.slice(1));
        const entry = [...entries, ...properties].find((candidate) => candidate.anchor === id);
        const requirement = entry ? entry.home : requirementOf.get(id);
        if (requirement) {
            if (requirement.row.hidden) resetFilters();
            requirement.row.fill();
        }
        const target = byId(id);
        if (!target) return;
        if (target.hidden) resetFilters();
        if (entry && target.fill) target.fill();
        target.scrollIntoView();
        const summary = target.querySelector('summary');
        if (summary) summary.focus({ preventScroll: true });
    }

    // ---------------------------------------------------------------------------------------------------------------

    document.documentElement.style.setProperty('--runs', data.runs.length);
    document.documentElement.style.setProperty(
        '--cells',
        many ? `${Math.min(10, Math.max(6, 34 / data.runs.length)) * data.runs.length}rem` : '10rem',
    );
    showSummary();
    linkLosses();
    showFindings(byId('results'));
    for (const part of parts) showPart(part, byId('results'));
    showProperties(byId('results'));
    showSections();
    showFilters();
    applyFilters();
    byId('about').append(
        'Verdicts: pass; fail, a MUST was broken; warn, a recommendation is not followed; skip, the broker does not offer it; error, it could not be looked at, ',
        'for instance because its test ended on a violation of another requirement. A requirement has the worst verdict of its tests. ',
        'The requirements are told in the suite’s own words; the text that counts is the specification’s.',
    );
    // What stays in sight below the filters must know how high they are.
    const measureFilters = () => document.documentElement.style.setProperty('--bar', `${byId('filters').offsetHeight}px`);
    new ResizeObserver(measureFilters).observe(byId('filters'));
    measureFilters();
    window.addEventListener('hashchange', follow);
    // The same anchor again: no change of the hash, but somebody wants to go there.
    document.addEventListener('click', (event) => {
        const anchor = event.target.closest && event.target.closest('a[href^="#"]');
        if (anchor && anchor.getAttribute('href') === location.hash) follow();
    });
    if (location.hash) follow();
    document.documentElement.dataset.ready = 'yes';
})();
