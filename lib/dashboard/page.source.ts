// Made of the files in ./page by `npm run build:page`. Change those, not this one.
export const PAGE_FILES: Readonly<Record<string, string>> = {
  'announcer.js': `import { byId, write } from './dom.js';
let told = new Set();
let isLost = false;
export function announce({ summary, findings }) {
    const texts = [summary, ...findings.map(({ text }) => text)];
    const now = new Set(texts.map(withoutTimes));
    const news = texts.filter((text) => !told.has(withoutTimes(text)));
    const isOver = told.size > now.size && findings.length === 0;
    told = now;
    if (news.length > 0)
        say(news.join(' '));
    else if (isOver)
        say(summary);
}
export function announceLink(state) {
    const wasLost = isLost;
    isLost = state === 'lost';
    if (isLost !== wasLost)
        say(isLost ? 'The page has lost its node.' : 'The page is live again.');
}
export function withoutTimes(text) {
    return text.replace(/\\d+(\\.\\d+)? (s|min|h|d|times)\\b/g, '');
}
function say(text) {
    write(byId('announcer'), text);
}
`,
  'dom.js': `export function element(tag, className = '', text = '') {
    const made = document.createElement(tag);
    if (className !== '')
        made.className = className;
    if (text !== '')
        made.textContent = text;
    return made;
}
export function byId(id) {
    return document.getElementById(id);
}
export function write(node, text) {
    if (node.textContent !== text)
        node.textContent = text;
}
const KEY = Symbol('key');
export function sync(parent, items, keyOf, make, update) {
    const old = new Map();
    for (const child of parent.children)
        old.set(child[KEY], child);
    let at = parent.firstElementChild;
    for (const item of items) {
        const key = keyOf(item);
        let child = old.get(key);
        if (child)
            old.delete(key);
        else {
            child = make(item);
            child[KEY] = key;
        }
        update(child, item);
        if (child === at)
            at = at.nextElementSibling;
        else
            parent.insertBefore(child, at);
    }
    for (const child of old.values())
        child.remove();
}
`,
  'explain.js': `import { byId, element, sync } from './dom.js';
const form = byId('explain');
const field = byId('explain-name');
const box = byId('explained');
export function offerNames({ nodes }) {
    sync(byId('names'), nodes.map(({ name }) => name), (name) => name, (name) => {
        const option = element('option');
        option.value = name;
        return option;
    }, () => { });
}
export function answerQuestions(base) {
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        void ask(base, field.value.trim());
    });
}
async function ask(base, name) {
    box.replaceChildren(element('p', 'quiet', 'Asking every node…'));
    try {
        const response = await fetch(\`\${base}/explain?name=\${encodeURIComponent(name)}\`);
        const told = (await response.json());
        if (Array.isArray(told))
            show(name, told);
        else
            box.replaceChildren(element('p', '', told.message ?? \`No answer (\${response.status}).\`));
    }
    catch (error) {
        box.replaceChildren(element('p', '', \`No answer: \${String(error)}\`));
    }
}
function show(name, told) {
    const groups = new Map();
    for (const { node, answer } of told) {
        const words = typeof answer === 'string' ? answer : wordsOf(answer);
        groups.set(words, [...(groups.get(words) ?? []), node]);
    }
    const list = element('dl');
    for (const [words, nodes] of groups) {
        const who = nodes.length > 4 ? \`\${nodes.length} nodes\` : nodes.join(', ');
        list.append(element('dt', '', \`\${who}:\`), element('dd', '', words));
    }
    box.replaceChildren(element('h3', '', name), list);
}
function wordsOf({ state, summary, foundBy }) {
    const from = foundBy.length === 0 ? '' : \` Known from: \${foundBy.join(', ')}.\`;
    return \`\${state}. \${summary}\${from}\`;
}
`,
  'jobs.js': `import { byId } from './dom.js';
import { drawTable } from './table.js';
const COLUMNS = [
    { title: 'Job', text: ({ name }) => name, fill: fillName },
    { title: 'Had by', text: ({ on }) => on },
    { title: 'At work', text: ({ now }) => now },
    { title: 'Last run', text: ({ last }) => last },
    { title: 'Counts', text: ({ counts }) => counts },
];
export function drawJobs({ jobs }) {
    byId('jobs-section').hidden = jobs.length === 0;
    drawTable(byId('jobs'), COLUMNS, ({ name }) => name, jobs);
}
function fillName(cell, { name, isWell }) {
    cell.parentElement.dataset['level'] = isWell ? 'well' : 'bad';
    if (cell.textContent !== name)
        cell.textContent = name;
}
`,
  'lists.js': `import { withoutTimes } from './announcer.js';
import { byId, element, sync, write } from './dom.js';
import { clockTime } from './words.js';
const MOST_ENTRIES = 100;
export function drawFindings({ findings, summary }) {
    const line = byId('summary');
    write(line, summary);
    line.dataset['level'] = findings[0]?.level ?? 'well';
    sync(byId('findings'), findings, ({ text }) => withoutTimes(text), () => element('li'), (child, { level, text }) => {
        child.dataset['level'] = level;
        write(child, text);
    });
}
export function drawTimeline({ timeline, nodes }) {
    byId('timeline-empty').hidden = timeline.length > 0;
    const many = nodes.length > 1;
    sync(byId('timeline'), timeline.slice(0, MOST_ENTRIES), keyOf, makeHappening, (child, one) => {
        child.dataset['kind'] = one.kind;
        const [summary, list] = child.firstElementChild.children;
        const [time, text, by] = summary.children;
        time.dateTime = new Date(one.at).toISOString();
        write(time, clockTime(one.at));
        const words = one.voices.map(({ why }) => why).find((why) => why !== '');
        write(text, words === undefined ? one.text : \`\${one.text}: \${words}\`);
        write(by, many ? \`seen by \${one.seenBy}\` : '');
        sync(list, one.voices, ({ node }) => node, () => element('li'), (item, { node, why }) => write(item, why === '' ? node : \`\${node}: \${why}\`));
    });
}
function keyOf({ at, text }) {
    return \`\${Math.round(at / 30_000)} \${text}\`;
}
function makeHappening() {
    const item = element('li');
    const details = element('details');
    const summary = element('summary');
    summary.append(element('time'), element('span', 'what'), element('small'));
    details.append(summary, element('ul'));
    item.append(details);
    return item;
}
export function drawProviders({ providers, notes }) {
    sync(byId('providers'), providers, ({ name }) => name, () => element('li'), (child, { name, text, isWell }) => {
        child.dataset['level'] = isWell ? 'well' : 'bad';
        write(child, \`\${name}: \${text}\`);
    });
    byId('notes-section').hidden = notes.length === 0;
    sync(byId('notes'), notes, ({ text }) => text, () => element('li'), (child, { text, nodes }) => write(child, \`\${text} (\${nodes.length > 3 ? \`\${nodes.length} nodes\` : nodes.join(', ')})\`));
}
`,
  'matrix.js': `import { byId, element, write } from './dom.js';
const LOOKS = {
    s: { name: 'self', sign: '', says: 'itself' },
    u: { name: 'up', sign: '', says: 'sees it' },
    b: { name: 'blocked', sign: '!', says: 'sees it, its event loop is blocked' },
    l: { name: 'leaving', sign: '–', says: 'sees it, it shuts down' },
    d: { name: 'doubt', sign: '~', says: 'doubts that it lives' },
    o: { name: 'one-sided', sign: '→', says: 'sees it, but is not seen by it' },
    x: { name: 'unseen', sign: '×', says: 'does not see it' },
    '?': { name: 'untold', sign: '?', says: 'does not tell' },
    '-': { name: 'gone', sign: '', says: 'is gone' },
};
const table = byId('matrix');
let shape = '';
let cells = [];
let shown;
let at = [0, 0];
export function drawMatrix(snapshot) {
    const wanted = snapshot.nodes.map(({ name, label }) => \`\${name} \${label}\`).join('\\n');
    if (wanted !== shape)
        build(snapshot);
    shape = wanted;
    shown = snapshot;
    for (const [i, row] of snapshot.matrix.entries())
        for (const [j, character] of row.split('').entries())
            paint(i, j, character);
    legend(new Set(snapshot.matrix.join('')));
    tell(...at);
}
function build({ nodes }) {
    const hadFocus = table.contains(document.activeElement);
    table.dataset['size'] =
        nodes.length <= 12 ? 'l' : nodes.length <= 30 ? 'm' : nodes.length <= 60 ? 's' : 'xs';
    const head = element('tr');
    head.append(element('td', 'corner'), ...nodes.map(({ name, label }) => header('col', name, label)));
    cells = nodes.map(() => []);
    const rows = nodes.map(({ name, label }, i) => {
        const row = element('tr');
        cells[i] = nodes.map((_, j) => cell(i, j));
        row.append(header('row', name, label), ...cells[i]);
        return row;
    });
    table.replaceChildren(head, ...rows);
    at = [Math.min(at[0], nodes.length - 1), Math.min(at[1], nodes.length - 1)];
    move(at[0], at[1], hadFocus);
}
function header(scope, name, label) {
    const made = element('th');
    made.scope = scope;
    made.title = name;
    made.append(element('span', '', label));
    return made;
}
function cell(i, j) {
    const made = element('td');
    made.setAttribute('role', 'gridcell');
    made.tabIndex = -1;
    made.addEventListener('focus', () => {
        move(i, j, false);
        tell(i, j);
    });
    made.addEventListener('mouseenter', () => tell(i, j));
    return made;
}
function paint(i, j, character) {
    const made = cells[i][j];
    if (made.dataset['cell'] === character)
        return;
    const { name, sign, says } = LOOKS[character] ?? LOOKS['?'];
    made.dataset['cell'] = character;
    made.className = name;
    made.textContent = sign;
    const [row, column] = [shown.nodes[i], shown.nodes[j]];
    made.setAttribute('aria-label', i === j ? row.name : \`\${row.name} to \${column.name}: \${says}\`);
}
function tell(i, j) {
    const character = shown?.matrix[i]?.[j];
    if (!shown || character === undefined)
        return;
    const [row, column] = [shown.nodes[i].name, shown.nodes[j].name];
    const { says } = LOOKS[character] ?? LOOKS['?'];
    const why = shown.cellWords[\`\${i} \${j}\`];
    const line = i === j ? row : \`\${row} → \${column}: \${says}.\`;
    write(byId('cell-words'), why === undefined ? line : \`\${line} \${why}\`);
}
function move(i, j, focuses) {
    cells[at[0]]?.[at[1]]?.setAttribute('tabindex', '-1');
    cells[at[0]]?.[at[1]]?.removeAttribute('aria-describedby');
    at = [i, j];
    const made = cells[i]?.[j];
    made?.setAttribute('tabindex', '0');
    made?.setAttribute('aria-describedby', 'cell-words');
    if (focuses)
        made?.focus();
}
function legend(present) {
    const items = Object.keys(LOOKS).filter((one) => present.has(one) && one !== 's');
    const list = byId('legend');
    if (list.dataset['shown'] === items.join(''))
        return;
    list.dataset['shown'] = items.join('');
    list.replaceChildren(...items.map((one) => {
        const item = element('li');
        const sample = element('span', \`sample \${LOOKS[one].name}\`, LOOKS[one].sign);
        sample.setAttribute('aria-hidden', 'true');
        item.append(sample, LOOKS[one].says);
        return item;
    }));
}
const STEPS = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
};
table.addEventListener('keydown', (event) => {
    const last = cells.length - 1;
    const step = STEPS[event.key];
    let target;
    if (step)
        target = [at[0] + step[0], at[1] + step[1]];
    else if (event.key === 'Home')
        target = [at[0], 0];
    else if (event.key === 'End')
        target = [at[0], last];
    if (!target)
        return;
    event.preventDefault();
    const inside = (n) => Math.max(0, Math.min(last, n));
    move(inside(target[0]), inside(target[1]), true);
});
`,
  'nodes.js': `import { byId, element, write } from './dom.js';
import { drawTable } from './table.js';
import { millis, span } from './words.js';
const RECENT_MS = 10 * 60_000;
const STATES = {
    up: 'up',
    blocked: 'blocked',
    leaving: 'shuts down',
    doubted: 'in doubt',
    silent: 'silent',
    untold: 'older release',
    gone: 'gone',
};
const optional = (value, say) => value === undefined ? '' : say(value);
const table = byId('nodes');
const filter = byId('filter');
let last;
filter.addEventListener('input', () => last && drawNodes(last));
export function drawNodes(snapshot) {
    last = snapshot;
    const { nodes } = snapshot;
    const columns = columnsFor(nodes.filter(({ state }) => state !== 'gone').length - 1);
    const wanted = filter.value.trim().toLowerCase();
    const fits = (node) => [...columns.map(({ text }) => text(node)), node.words].join(' ').toLowerCase().includes(wanted);
    const rows = wanted === '' ? nodes : nodes.filter(fits);
    drawTable(table, columns, ({ bootId }) => bootId, nodes, rows);
    write(byId('filtered'), wanted === '' ? '' : \`\${rows.length} of \${nodes.length} nodes\`);
}
function columnsFor(others) {
    return [
        { title: 'Node', text: ({ name }) => name, fill: fillName },
        { title: 'Status', text: ({ state }) => STATES[state] ?? state, fill: fillStatus },
        { title: 'Sees', text: ({ sees }) => optional(sees, (count) => \`\${count} of \${others}\`) },
        { title: 'Round trip', text: ({ rttMs }) => optional(rttMs, millis) },
        { title: 'Lag', text: lagOf },
        { title: 'Version', text: ({ version }) => version ?? '' },
        { title: 'Zone', text: ({ zone }) => zone ?? '' },
        { title: 'Holds', text: ({ holds }) => (holds ?? []).join(', ') },
        { title: 'Jobs', text: ({ jobs }) => (jobs ?? []).join(', ') },
        { title: 'Up for', text: ({ uptimeMs }) => optional(uptimeMs, span) },
        { title: 'Process', text: ({ pid }) => optional(pid, String) },
    ];
}
function lagOf({ lagMs, lastBlock }) {
    const now = optional(lagMs, millis);
    if (!lastBlock || lastBlock.agoMs > RECENT_MS)
        return now;
    return \`\${now}, blocked \${span(lastBlock.forMs)} until \${span(lastBlock.agoMs)} ago\`;
}
function fillName(cell, node) {
    cell.parentElement.dataset['state'] = node.state;
    const text = node.isSelf ? \`\${node.name} (serves this page)\` : node.name;
    if (cell.textContent === text)
        return;
    cell.replaceChildren(node.name);
    if (node.isSelf)
        cell.append(element('small', '', ' (serves this page)'));
}
function fillStatus(cell, node, words) {
    if (cell.childElementCount === 0)
        cell.append(element('span', 'badge'), element('small'));
    const [badge, small] = cell.children;
    write(badge, words);
    badge.dataset['state'] = node.state;
    write(small, node.words === words || node.state === 'up' ? '' : \` \${node.words}\`);
}
`,
  'page.css': `:root {
  color-scheme: light;
  --paper: #f7f7f5;
  --card: #ffffff;
  --ink: #1f2328;
  --quiet: #5d646d;
  --line: #dcdfe3;
  --accent: #2f5d8a;
  --well: #2c7a4b;
  --well-soft: #b9dcc5;
  --doubt: #8a5a00;
  --doubt-soft: #f6dfae;
  --bad: #b3261e;
  --bad-soft: #f5c9c4;
  --untold: #e6e8eb;
}
@media (prefers-color-scheme: dark) {
  :root:not([data-theme='light']) {
    color-scheme: dark;
    --paper: #15181c;
    --card: #1d2126;
    --ink: #e4e7ea;
    --quiet: #a0a8b1;
    --line: #333a42;
    --accent: #8db8e2;
    --well: #74c791;
    --well-soft: #24523a;
    --doubt: #e7bd63;
    --doubt-soft: #59451a;
    --bad: #ff938a;
    --bad-soft: #6d2a26;
    --untold: #2c323a;
  }
}
:root[data-theme='dark'] {
  color-scheme: dark;
  --paper: #15181c;
  --card: #1d2126;
  --ink: #e4e7ea;
  --quiet: #a0a8b1;
  --line: #333a42;
  --accent: #8db8e2;
  --well: #74c791;
  --well-soft: #24523a;
  --doubt: #e7bd63;
  --doubt-soft: #59451a;
  --bad: #ff938a;
  --bad-soft: #6d2a26;
  --untold: #2c323a;
}
* {
  box-sizing: border-box;
}
body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
  font:
    15px/1.5 system-ui,
    -apple-system,
    'Segoe UI',
    Roboto,
    'Liberation Sans',
    sans-serif;
}
header,
main {
  max-width: 1240px;
  margin: 0 auto;
  padding: 0 20px;
}
header {
  display: flex;
  flex-wrap: wrap;
  gap: 8px 24px;
  align-items: center;
  justify-content: space-between;
  padding-top: 20px;
}
header .right {
  display: flex;
  gap: 12px;
  align-items: center;
}
h1 {
  margin: 0;
  font-size: 22px;
  line-height: 1.3;
  overflow-wrap: anywhere;
}
h2 {
  margin: 0 0 8px;
  font-size: 15px;
}
h3 {
  margin: 12px 0 4px;
  font-size: 14px;
  overflow-wrap: anywhere;
}
p {
  margin: 0;
}
section {
  margin: 16px 0;
  padding: 16px 18px;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 10px;
}
ul,
ol {
  margin: 0;
  padding: 0;
  list-style: none;
}
small {
  font-size: 13px;
  color: var(--quiet);
}
.quiet {
  color: var(--quiet);
  font-size: 13px;
  overflow-wrap: anywhere;
}
.hidden,
.skip:not(:focus) {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
}
.skip {
  display: inline-block;
  padding: 8px 20px;
}
[hidden] {
  display: none !important;
}
a {
  color: var(--accent);
}
:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 1px;
}
h2:focus {
  outline: none;
}
button,
input {
  font: inherit;
  color: inherit;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 6px;
  padding: 5px 10px;
  min-height: 34px;
}
button {
  cursor: pointer;
}
.live {
  display: inline-flex;
  align-items: center;
  gap: 6px;
  font-size: 13px;
}
.live::before {
  content: '';
  width: 9px;
  height: 9px;
  border-radius: 50%;
  background: var(--quiet);
}
.live[data-state='live']::before {
  background: var(--well);
}
.live[data-state='lost'] {
  color: var(--bad);
}
.live[data-state='lost']::before {
  background: var(--bad);
}
body[data-live='lost'] main {
  opacity: 0.6;
}

.findings {
  border-left: 5px solid var(--well);
}
.findings:has(.summary[data-level='waiting']) {
  border-left-color: var(--line);
}
.findings:has(.summary[data-level='note']) {
  border-left-color: var(--accent);
}
.findings:has(.summary[data-level='doubt']) {
  border-left-color: var(--doubt);
}
.findings:has(.summary[data-level='bad']) {
  border-left-color: var(--bad);
}
.summary {
  font-size: 17px;
  font-weight: 600;
}
.findings li {
  margin-top: 6px;
  padding-left: 18px;
  position: relative;
  overflow-wrap: anywhere;
}
.findings li::before {
  content: '';
  position: absolute;
  left: 0;
  top: 7px;
  width: 9px;
  height: 9px;
  border-radius: 2px;
  background: var(--accent);
}
.findings li[data-level='doubt']::before {
  background: var(--doubt);
}
.findings li[data-level='bad']::before {
  background: var(--bad);
}

.pictures {
  display: flex;
  flex-wrap: wrap;
  align-items: flex-start;
  gap: 0 16px;
}
.pictures > section {
  flex: 1 1 420px;
  min-width: 0;
}
#ring-section {
  flex: 0 1 480px;
}
#ring svg {
  display: block;
  width: 100%;
  max-width: 520px;
  margin: 0 auto;
}
#ring text {
  font-size: 13px;
  fill: var(--ink);
}
.link {
  stroke: var(--well);
  stroke-opacity: 0.35;
  stroke-width: 1.2;
}
.link.doubt {
  stroke: var(--doubt);
  stroke-opacity: 1;
  stroke-width: 2;
  stroke-dasharray: 6 4;
}
.link.cut {
  stroke: var(--bad);
  stroke-opacity: 1;
  stroke-width: 2.5;
  stroke-dasharray: 2 5;
}
.node circle {
  fill: var(--well);
  stroke: var(--card);
  stroke-width: 2;
}
.node.self circle {
  stroke: var(--accent);
}
.node.blocked circle,
.node.doubted circle,
.node.silent circle {
  fill: var(--doubt);
}
.node.leaving circle,
.node.untold circle {
  fill: var(--quiet);
}
.node.gone circle {
  fill: var(--card);
  stroke: var(--bad);
  stroke-dasharray: 3 2;
}
.node.gone text {
  fill: var(--quiet);
  text-decoration: line-through;
}

.scroll {
  overflow: auto;
  max-width: 100%;
  max-height: 80vh;
  margin-top: 10px;
}
#matrix {
  border-collapse: separate;
  border-spacing: 2px;
  --size: 34px;
}
#matrix[data-size='m'] {
  --size: 22px;
}
#matrix[data-size='s'] {
  --size: 13px;
  border-spacing: 1px;
}
#matrix[data-size='xs'] {
  --size: 8px;
  border-spacing: 1px;
}
#matrix td {
  width: var(--size);
  min-width: var(--size);
  height: var(--size);
  padding: 0;
  text-align: center;
  font-size: calc(var(--size) * 0.6);
  line-height: 1;
  font-weight: 700;
  border-radius: 3px;
}
#matrix th {
  font-weight: 400;
  font-size: 13px;
  color: var(--quiet);
  padding: 0 6px 0 0;
  text-align: right;
  white-space: nowrap;
}
#matrix th[scope='col'] {
  padding: 0;
  height: 1px;
  text-align: left;
  vertical-align: bottom;
}
#matrix th[scope='col'] span {
  display: inline-block;
  writing-mode: vertical-rl;
  transform: rotate(180deg);
  max-height: 170px;
  overflow: hidden;
  text-overflow: ellipsis;
}
#matrix th[scope='row'] {
  position: sticky;
  left: 0;
  background: var(--card);
}
#matrix[data-size='s'] th {
  font-size: 10px;
  line-height: 1.1;
}
#matrix[data-size='xs'] th {
  font-size: 7px;
  line-height: 1;
}
#matrix .self,
.sample.self {
  background: repeating-linear-gradient(45deg, var(--line) 0 1px, transparent 1px 5px);
}
.up {
  background: var(--well-soft);
}
.leaving,
.untold {
  background: var(--untold);
  color: var(--quiet);
}
.doubt,
td.blocked,
.sample.blocked {
  background: var(--doubt-soft);
  color: var(--doubt);
}
.unseen,
.one-sided {
  background: var(--bad-soft);
  color: var(--bad);
}
.one-sided {
  box-shadow: inset 0 0 0 2px var(--bad);
}
td.gone,
.sample.gone {
  box-shadow: inset 0 0 0 1px var(--line);
}
#matrix .link.doubt {
  background: none;
}
.cell-words {
  min-height: 3em;
  margin-top: 8px;
  font-size: 13px;
  overflow-wrap: anywhere;
}
.legend {
  display: flex;
  flex-wrap: wrap;
  gap: 4px 16px;
  font-size: 13px;
  color: var(--quiet);
}
.legend li {
  display: flex;
  align-items: center;
  gap: 6px;
}
.sample {
  display: inline-grid;
  place-items: center;
  width: 18px;
  height: 18px;
  border-radius: 3px;
  font-size: 12px;
  font-weight: 700;
}

.bar {
  display: flex;
  flex-wrap: wrap;
  gap: 8px;
  justify-content: space-between;
  align-items: center;
}
.bar label {
  font-size: 13px;
  color: var(--quiet);
}
.cards {
  width: 100%;
  border-collapse: collapse;
  font-variant-numeric: tabular-nums;
}
.cards th,
.cards td {
  padding: 6px 12px 6px 0;
  text-align: left;
  vertical-align: top;
  border-top: 1px solid var(--line);
  overflow-wrap: anywhere;
}
.cards thead th {
  border-top: 0;
  font-size: 13px;
  font-weight: 400;
  color: var(--quiet);
  white-space: nowrap;
}
.cards tbody th {
  font-weight: 600;
}
.cards
  td:not(
    [data-title='Status'],
    [data-title='Holds'],
    [data-title='Jobs'],
    [data-title='Had by'],
    [data-title='Last run'],
    [data-title='Counts']
  ) {
  white-space: nowrap;
}
#jobs tr[data-level='bad'] td[data-title='Last run'] {
  color: var(--bad);
}
.cards tr[data-state='gone'] {
  color: var(--quiet);
}
.badge {
  display: inline-block;
  padding: 0 8px;
  border-radius: 9px;
  font-size: 13px;
  background: var(--well-soft);
  white-space: nowrap;
}
.badge[data-state='blocked'],
.badge[data-state='doubted'],
.badge[data-state='silent'] {
  background: var(--doubt-soft);
}
.badge[data-state='gone'] {
  background: var(--bad-soft);
}
.badge[data-state='leaving'],
.badge[data-state='untold'] {
  background: var(--untold);
}

.halves {
  display: grid;
  grid-template-columns: minmax(0, 3fr) minmax(0, 2fr);
  gap: 0 16px;
  align-items: start;
}
.timeline > li {
  border-top: 1px solid var(--line);
}
.timeline > li:first-child {
  border-top: 0;
}
.timeline summary {
  display: grid;
  grid-template-columns: auto minmax(0, 1fr) auto;
  gap: 0 12px;
  padding: 6px 0;
  cursor: pointer;
  overflow-wrap: anywhere;
}
.timeline time {
  color: var(--quiet);
  font-variant-numeric: tabular-nums;
  padding-left: 14px;
  position: relative;
}
.timeline time::before {
  content: '';
  position: absolute;
  left: 0;
  top: 8px;
  width: 7px;
  height: 7px;
  border-radius: 50%;
  background: var(--quiet);
}
.timeline li[data-kind='good'] time::before {
  background: var(--well);
}
.timeline li[data-kind='doubt'] time::before {
  background: var(--doubt);
}
.timeline li[data-kind='bad'] time::before {
  background: var(--bad);
}
.timeline details ul {
  padding: 0 0 8px 14px;
  font-size: 13px;
  color: var(--quiet);
  overflow-wrap: anywhere;
}
.row {
  display: flex;
  gap: 8px;
  margin-top: 4px;
}
.row input {
  flex: 1;
  min-width: 0;
}
#explain label {
  font-size: 13px;
  color: var(--quiet);
}
dl {
  margin: 0;
}
dt {
  font-weight: 600;
  overflow-wrap: anywhere;
}
dd {
  margin: 0 0 8px;
  overflow-wrap: anywhere;
}
.plain li {
  padding: 3px 0;
  overflow-wrap: anywhere;
}
.plain li[data-level='bad'] {
  color: var(--bad);
}
.noscript {
  padding: 20px;
}

@media (max-width: 720px) {
  header,
  main {
    padding-left: 12px;
    padding-right: 12px;
  }
  section {
    margin: 10px 0;
    padding: 12px;
  }
  .halves {
    grid-template-columns: minmax(0, 1fr);
  }
  .pictures > section {
    flex-basis: 100%;
  }
  .cards,
  .cards tbody {
    display: block;
  }
  .cards thead {
    display: none;
  }
  .cards tr {
    display: grid;
    grid-template-columns: 1fr 1fr;
    gap: 2px 12px;
    padding: 10px 0;
    border-top: 1px solid var(--line);
  }
  .cards th,
  .cards td {
    border: 0;
    padding: 0;
  }
  .cards tbody th,
  .cards td[data-title='Status'],
  .cards td[data-title='Holds'],
  .cards td[data-title='Jobs'],
  .cards td[data-title='Had by'],
  .cards td[data-title='Last run'] {
    grid-column: 1 / -1;
  }
  .cards td:not([data-title='Status'])::before {
    content: attr(data-title) ' ';
    color: var(--quiet);
    font-size: 13px;
  }
  .cards td.empty {
    display: none;
  }
  .timeline summary {
    grid-template-columns: auto minmax(0, 1fr);
  }
  .timeline summary small {
    grid-column: 2;
  }
}
@media (forced-colors: active) {
  #matrix td,
  .sample,
  .badge {
    border: 1px solid;
  }
}
`,
  'page.html': `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex" />
    <title>Cluster</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="{{base}}/assets/page.css" />
    <script type="module" src="{{base}}/assets/page.js" data-base="{{base}}"></script>
  </head>
  <body>
    <a class="skip" href="#nodes-title">Skip to the nodes</a>
    <header>
      <div>
        <h1 id="cluster">Cluster</h1>
        <p id="served" class="quiet">Waiting for the first news…</p>
      </div>
      <div class="right">
        <span id="live" class="live" data-state="waiting">connecting</span>
        <button id="theme" type="button">Theme: auto</button>
      </div>
    </header>
    <main>
      <section aria-labelledby="findings-title" class="findings">
        <h2 id="findings-title" class="hidden">How it stands</h2>
        <p id="summary" class="summary" data-level="waiting"></p>
        <ul id="findings"></ul>
        <p id="announcer" class="hidden" role="status"></p>
      </section>
      <div class="pictures">
        <section aria-labelledby="ring-title" id="ring-section">
          <h2 id="ring-title">Ring</h2>
          <div id="ring"></div>
        </section>
        <section aria-labelledby="matrix-title">
          <h2 id="matrix-title">Who sees whom</h2>
          <p class="quiet" id="matrix-hint">
            Each row is what that node says itself. Arrow keys move from cell to cell.
          </p>
          <div class="scroll" id="matrix-box">
            <table
              id="matrix"
              role="grid"
              aria-labelledby="matrix-title"
              aria-describedby="matrix-hint"
            ></table>
          </div>
          <p id="cell-words" class="cell-words"></p>
          <ul class="legend" id="legend" aria-label="Legend"></ul>
        </section>
      </div>
      <section aria-labelledby="nodes-title">
        <div class="bar">
          <h2 id="nodes-title" tabindex="-1">Nodes</h2>
          <label>Filter <input id="filter" type="search" autocomplete="off" spellcheck="false" /></label>
          <span id="filtered" class="quiet" role="status"></span>
        </div>
        <div class="scroll" role="region" aria-labelledby="nodes-title" tabindex="0">
          <table id="nodes" class="cards" aria-labelledby="nodes-title">
            <thead></thead>
            <tbody></tbody>
          </table>
        </div>
      </section>
      <section aria-labelledby="jobs-title" id="jobs-section" hidden>
        <h2 id="jobs-title">Jobs</h2>
        <table id="jobs" class="cards" aria-labelledby="jobs-title">
          <thead></thead>
          <tbody></tbody>
        </table>
      </section>
      <div class="halves">
        <section aria-labelledby="timeline-title">
          <h2 id="timeline-title">What happened</h2>
          <ol id="timeline" class="timeline"></ol>
          <p id="timeline-empty" class="quiet">Nothing yet.</p>
        </section>
        <div>
          <section aria-labelledby="explain-title">
            <h2 id="explain-title">Why is a node missing?</h2>
            <form id="explain">
              <label for="explain-name">Its name, as app@host or app@host:port</label>
              <div class="row">
                <input id="explain-name" list="names" required autocomplete="off" spellcheck="false" />
                <button type="submit">Explain</button>
              </div>
              <datalist id="names"></datalist>
            </form>
            <div id="explained" aria-live="polite"></div>
          </section>
          <section aria-labelledby="providers-title">
            <h2 id="providers-title">Where names come from</h2>
            <ul id="providers" class="plain"></ul>
          </section>
          <section aria-labelledby="notes-title" id="notes-section">
            <h2 id="notes-title">What does not work</h2>
            <ul id="notes" class="plain"></ul>
          </section>
        </div>
      </div>
    </main>
    <noscript
      ><p class="noscript">This page needs JavaScript, which it loads from this app alone.</p></noscript
    >
  </body>
</html>
`,
  'page.js': `import { announce, announceLink } from './announcer.js';
import { byId, write } from './dom.js';
import { answerQuestions, offerNames } from './explain.js';
import { drawJobs } from './jobs.js';
import { drawFindings, drawProviders, drawTimeline } from './lists.js';
import { drawMatrix } from './matrix.js';
import { drawNodes } from './nodes.js';
import { drawRing } from './ring.js';
import { span } from './words.js';
const MISSED_MS = 15_000;
const AGAIN_MS = 5_000;
const base = document.querySelector('script[data-base]').dataset['base'];
let newsAt = performance.now();
let current = {};
function draw(snapshot) {
    newsAt = performance.now();
    const { cluster, servedBy, security, findings } = snapshot;
    const protection = security === 'none' ? 'not encrypted' : \`encrypted, by \${security}\`;
    write(byId('cluster'), cluster);
    write(byId('served'), \`As told by every node to \${servedBy}, which serves this page; \${protection}\`);
    const worst = findings.filter(({ level }) => level !== 'note').length;
    document.title = worst === 0 ? cluster : \`(\${worst}) \${cluster}\`;
    drawFindings(snapshot);
    announce(snapshot);
    drawRing(snapshot);
    drawMatrix(snapshot);
    drawNodes(snapshot);
    drawJobs(snapshot);
    drawTimeline(snapshot);
    drawProviders(snapshot);
    offerNames(snapshot);
}
function live(state, text) {
    const mark = byId('live');
    if (mark.dataset['state'] !== state)
        announceLink(state);
    mark.dataset['state'] = state;
    document.body.dataset['live'] = state;
    write(mark, text);
}
function listen() {
    const source = new EventSource(\`\${base}/events\`);
    source.addEventListener('message', ({ data }) => {
        current = { ...current, ...JSON.parse(data) };
        draw(current);
        live('live', 'live');
    });
    source.addEventListener('error', () => {
        live('lost', 'connection lost, trying again');
        if (source.readyState === EventSource.CLOSED)
            setTimeout(listen, AGAIN_MS);
    });
}
listen();
setInterval(() => {
    const agoMs = performance.now() - newsAt;
    if (agoMs > MISSED_MS)
        live('lost', \`no news for \${span(agoMs)}\`);
}, 1_000);
answerQuestions(base);
const THEMES = ['auto', 'light', 'dark'];
const button = byId('theme');
let theme = stored() ?? 'auto';
paint();
button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    paint();
    try {
        localStorage.setItem('peerage-theme', theme);
    }
    catch {
    }
});
function paint() {
    document.documentElement.dataset['theme'] = theme;
    write(button, \`Theme: \${theme}\`);
}
function stored() {
    try {
        return THEMES.find((one) => one === localStorage.getItem('peerage-theme'));
    }
    catch {
        return undefined;
    }
}
`,
  'ring.js': `import { byId } from './dom.js';
const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 520;
const HEIGHT = 330;
const RADIUS = 130;
const LABEL_LENGTH = 17;
const MOST_NODES = 60;
const MOST_LABELS = 24;
let drawn = '';
export function drawRing({ nodes, matrix, summary }) {
    byId('ring-section').hidden = nodes.length > MOST_NODES || nodes.length < 2;
    const shape = JSON.stringify([nodes.map(({ label, state }) => [label, state]), matrix]);
    if (shape === drawn || nodes.length > MOST_NODES)
        return;
    drawn = shape;
    const svg = make('svg', {
        viewBox: \`0 0 \${WIDTH} \${HEIGHT}\`,
        role: 'img',
        'aria-label': \`Ring: \${summary}\`,
    });
    const places = nodes.map((_, i) => place(i, nodes.length, RADIUS));
    const links = nodes.flatMap((_, i) => nodes.slice(i + 1).map((__, k) => [i, i + 1 + k]));
    const lines = links.map(([i, j]) => ({ kind: kindOf(matrix[i][j], matrix[j][i]), i, j }));
    for (const { kind, i, j } of lines.toSorted((a, b) => Number(a.kind !== 'well') - Number(b.kind !== 'well')))
        if (kind !== 'none')
            svg.append(line(kind, places[i], places[j]));
    for (const [i, node] of nodes.entries())
        svg.append(dot(node, i, nodes.length));
    byId('ring').replaceChildren(svg);
}
function kindOf(there, back) {
    const both = there + back;
    if (both.includes('-'))
        return 'none';
    if (both.includes('x') || both.includes('o'))
        return 'cut';
    if (/[db]/.test(both))
        return 'doubt';
    return both === '??' ? 'none' : 'well';
}
function place(i, count, radius) {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2;
    return { x: WIDTH / 2 + radius * Math.cos(angle), y: HEIGHT / 2 + radius * Math.sin(angle) };
}
function line(kind, from, to) {
    return make('line', {
        class: \`link \${kind}\`,
        x1: from.x.toFixed(1),
        y1: from.y.toFixed(1),
        x2: to.x.toFixed(1),
        y2: to.y.toFixed(1),
    });
}
function dot(node, i, count) {
    const group = make('g', { class: \`node \${node.state}\${node.isSelf ? ' self' : ''}\` });
    const { x, y } = place(i, count, RADIUS);
    const title = make('title', {});
    title.textContent = \`\${node.name}: \${node.words}\`;
    const r = count > 30 ? '5' : '8';
    group.append(title, make('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r }));
    if (count <= MOST_LABELS) {
        const at = place(i, count, RADIUS + 18);
        const side = Math.abs(at.x - WIDTH / 2) < 20 ? 'middle' : at.x > WIDTH / 2 ? 'start' : 'end';
        const label = make('text', { x: at.x.toFixed(1), y: (at.y + 4).toFixed(1), 'text-anchor': side });
        label.textContent =
            node.label.length > LABEL_LENGTH ? \`…\${node.label.slice(1 - LABEL_LENGTH)}\` : node.label;
        group.append(label);
    }
    return group;
}
function make(tag, attributes) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes))
        made.setAttribute(name, value);
    return made;
}
`,
  'table.js': `import { element, sync, write } from './dom.js';
export function drawTable(table, columns, keyOf, all, rows = all) {
    const used = columns.filter(({ text }) => all.some((row) => text(row) !== ''));
    head(table, used);
    const titles = used.map(({ title }) => title).join();
    sync(table.tBodies[0], rows, (row) => \`\${keyOf(row)} \${titles}\`, () => makeRow(used), (made, row) => fill(made, row, used));
}
function head(table, columns) {
    const titles = columns.map(({ title }) => title).join();
    if (table.tHead.dataset['titles'] === titles)
        return;
    table.tHead.dataset['titles'] = titles;
    table.setAttribute('role', 'table');
    for (const part of [table.tHead, table.tBodies[0]])
        part.setAttribute('role', 'rowgroup');
    const row = withRole('row', element('tr'));
    for (const { title } of columns) {
        const cell = withRole('columnheader', element('th', '', title));
        cell.scope = 'col';
        row.append(cell);
    }
    table.tHead.replaceChildren(row);
}
function makeRow(columns) {
    const row = withRole('row', element('tr'));
    for (const [i, { title }] of columns.entries()) {
        const cell = i === 0 ? withRole('rowheader', element('th')) : withRole('cell', element('td'));
        if (i === 0)
            cell.setAttribute('scope', 'row');
        cell.dataset['title'] = title;
        row.append(cell);
    }
    return row;
}
function fill(made, row, columns) {
    for (const [i, column] of columns.entries()) {
        const cell = made.cells[i];
        const words = column.text(row);
        if (column.fill)
            column.fill(cell, row, words);
        else
            write(cell, words);
        cell.classList.toggle('empty', words === '');
    }
}
function withRole(role, made) {
    made.setAttribute('role', role);
    return made;
}
`,
  'words.js': `export function span(ms) {
    const seconds = ms / 1_000;
    if (seconds < 10)
        return \`\${seconds.toFixed(1)} s\`;
    if (seconds < 120)
        return \`\${Math.round(seconds)} s\`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 120)
        return \`\${minutes} min\`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? \`\${hours} h \${minutes % 60} min\` : \`\${Math.floor(hours / 24)} d \${hours % 24} h\`;
}
export function millis(ms) {
    return ms < 10 ? \`\${ms.toFixed(1)} ms\` : \`\${Math.round(ms)} ms\`;
}
export function clockTime(at) {
    return new Date(at).toLocaleTimeString(undefined, { hour12: false });
}
`,
};
