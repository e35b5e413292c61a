// The page of the daemon. Whatever a storage, a plugin or a caller says becomes text, never markup.
'use strict';
(() => {
  const PAUSE = 2000;
  const LONG_PAUSE = 5000;
  const LIMIT = 20000;
  const LIST_LIMIT = 60000;
  const STEP = 200;
  const KEPT = 'tenon-token';
  const byId = id => document.getElementById(id);

  // ---- text

  const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

  function size(bytes) {
    if (typeof bytes !== 'number') return '';
    let unit = 0;
    while (bytes >= 1024 && unit < UNITS.length - 1) {
      bytes /= 1024;
      unit++;
    }
    return (unit === 0 ? bytes : bytes.toFixed(bytes < 10 ? 2 : bytes < 100 ? 1 : 0)) + ' ' + UNITS[unit];
  }

  function time(seconds) {
    if (seconds < 0.001) return (seconds * 1e6).toFixed(0) + ' µs';
    if (seconds < 1) return (seconds * 1e3).toFixed(seconds < 0.01 ? 1 : 0) + ' ms';
    return seconds < 10 ? seconds.toFixed(1) + ' s' : span(seconds);
  }

  function span(seconds) {
    seconds = Math.floor(seconds);
    if (seconds < 60) return seconds + ' s';
    if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
    if (seconds < 86400) return Math.floor(seconds / 3600) + ' h ' + Math.floor(seconds % 3600 / 60) + ' min';
    return Math.floor(seconds / 86400) + ' d ' + Math.floor(seconds % 86400 / 3600) + ' h';
  }

  const number = value => value.toLocaleString('en');
  const date = seconds => new Date(seconds * 1000).toLocaleString();

  // ---- elements

  function make(name, style, text) {
    const element = document.createElement(name);
    if (style) element.className = style;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function say(element, text) {
    text = String(text);
    if (element.textContent !== text) element.textContent = text;
  }

  function style(element, name) {
    if (element.className !== name) element.className = name;
  }

  // A table whose rows stay the same elements while they are about the same, so that focus and selection stay, too.
  // Columns: head, style, and text(row), or show(cell, row) for what is more than text.
  function table(caption, columns, key) {
    const element = make('div', 'scroll');
    element.tabIndex = 0;
    element.setAttribute('role', 'group');
    element.setAttribute('aria-label', caption);
    const inner = make('table');
    inner.append(make('caption', '', caption));
    // What a narrow window lays out in another way stays a table for those who hear it.
    inner.setAttribute('role', 'table');
    const heads = make('tr');
    heads.setAttribute('role', 'row');
    for (const column of columns) {
      const head = make('th', column.style, column.head);
      head.scope = 'col';
      head.setAttribute('role', 'columnheader');
      heads.append(head);
    }
    const head = make('thead');
    head.setAttribute('role', 'rowgroup');
    head.append(heads);
    const body = make('tbody');
    body.setAttribute('role', 'rowgroup');
    inner.append(head, body);
    element.append(inner);
    const none = make('p', 'none');
    const whole = make('div');
    whole.append(element, none);
    const known = new Map();

    function update(rows, empty) {
      element.hidden = rows.length === 0;
      none.hidden = rows.length > 0;
      say(none, empty || '');
      const used = new Set();
      let place = body.firstElementChild;
      for (const row of rows) {
        let id = key(row);
        while (used.has(id)) id += '\u0000';
        used.add(id);
        let line = known.get(id);
        if (!line) {
          line = make('tr');
          line.setAttribute('role', 'row');
          for (const column of columns) {
            const cell = make('td', column.style);
            cell.setAttribute('role', 'cell');
            line.append(cell);
          }
          known.set(id, line);
        }
        if (line === place) {
          place = place.nextElementSibling;
        } else {
          body.insertBefore(line, place);
        }
        columns.forEach((column, i) => {
          const cell = line.children[i];
          if (column.show) column.show(cell, row);
          else say(cell, column.text(row));
        });
      }
      for (const [id, line] of known) {
        if (!used.has(id)) {
          line.remove();
          known.delete(id);
        }
      }
    }
    return {element: whole, update};
  }

  function measure(cell, kind, value, most, words) {
    let bar = cell.firstElementChild;
    if (!bar) {
      bar = make(kind);
      cell.append(bar, make('span', 'short'));
    }
    bar.hidden = !(most > 0);
    if (most > 0) {
      if (kind === 'meter' && bar.high !== 0.9) {
        bar.low = 0.8;
        bar.high = 0.9;
        bar.optimum = 0;
      }
      bar.value = Math.min(1, value / most);
      bar.setAttribute('aria-label', words);
    }
    say(cell.lastElementChild, ' ' + words);
  }

  // ---- storages

  const STATES = {
    active: ['good', '✓ active'], inactive: ['mid', '○ inactive'], failed: ['bad', '✗ failed'],
    unknown: ['', '… not known yet'], disabled: ['', '– disabled']};
  const inTrouble = row => row.state === 'inactive' || row.state === 'failed' || row.silence > 5;

  function storageState(cell, row) {
    const [tone, words] = STATES[row.state] || ['', row.state];
    style(cell, 'short ' + tone);
    say(cell, words);
  }

  function storageName(cell, row) {
    let button = cell.firstElementChild;
    if (!button) {
      button = make('button', 'link');
      button.type = 'button';
      button.addEventListener('click', () => showVolumes(button.textContent));
      cell.append(button);
    }
    say(button, row.id);
  }

  const storages = table('Storages', [
    {head: 'Storage', style: 'name', show: storageName},
    {head: 'Type', style: 'short wide', text: row => row.type + (row.shared ? ', shared' : '')},
    {head: 'State', style: 'short', show: storageState},
    {head: 'Said', style: 'short', text: row => row.age === undefined ? 'nothing yet' : span(row.age) + ' ago'},
    {head: 'Used', style: 'short', show: (cell, row) => measure(cell, 'meter', row.used, row.total,
      row.total > 0 ? (100 * row.used / row.total).toFixed(0) + ' %' : '')},
    {head: 'Free', style: 'n wide', text: row => size(row.available)},
    {head: 'Size', style: 'n wide', text: row => size(row.total)},
    {head: 'Trouble', style: 'text trouble', text: row => row.problem
      || (row.silence > 5 ? 'It has not answered for ' + span(row.silence) + '.' : '')}
  ], row => row.id);

  // ---- calls, plugins, transfers

  const errors = row => Object.entries(row.errors).map(([name, count]) => name + ' ' + number(count)).join(', ');
  const calls = table('Calls by method', [
    {head: 'Type', style: 'short wide', text: row => row.type},
    {head: 'Method', style: 'name code', text: row => row.method},
    {head: 'Calls', style: 'n', text: row => number(row.calls)},
    {head: 'Recent', style: 'n wide', text: row => number(row.recent)},
    {head: 'p50', style: 'n', text: row => row.recent ? time(row.p50) : ''},
    {head: 'p99', style: 'n', text: row => row.recent ? time(row.p99) : ''},
    {head: 'Longest', style: 'n wide', text: row => row.recent ? time(row.longest) : ''},
    {head: 'Errors', style: 'text', text: errors}
  ], row => row.type + ' ' + row.method);

  const crowds = table('Calls that are under way', [
    {head: 'Type', style: 'short wide', text: row => row.type},
    {head: 'Storage', style: 'name', text: row => row.storage || 'all'},
    {head: 'Kind', style: 'short', text: row => row.long ? 'long' : 'short'},
    {head: 'Inside', style: 'n', text: row => row.inside},
    {head: 'Waiting', style: 'n', text: row => row.waiting},
    {head: 'Late', style: 'n', text: row => row.late},
    {head: 'Oldest', style: 'n', text: row => time(row.oldest)}
  ], row => row.type + ' ' + row.storage + ' ' + row.long);

  const members = table('Processes of plugins in Perl', [
    {head: 'Plugin', style: 'name', text: row => row.type},
    {head: 'Process', style: 'n', text: row => row.pid || ''},
    {head: 'Does', style: 'text', text: row => row.what},
    {head: 'For', style: 'n', text: row => row.since === undefined ? '' : span(row.since)},
    {head: 'File', style: 'text wide code', text: row => row.file}
  ], row => row.type + ' ' + row.pid);

  function membersOf(plugins) {
    const rows = [];
    for (const plugin of plugins) {
      for (const member of plugin.members) rows.push({type: plugin.type, file: plugin.file, ...member});
      if (plugin.waiting > 0 || plugin.members.length === 0) {
        rows.push({type: plugin.type, file: plugin.file, what: number(plugin.waiting) + ' calls wait'});
      }
    }
    return rows;
  }

  const transfers = table('Transfers', [
    {head: 'Volume', style: 'name', text: row => row.volume},
    {head: 'Way', style: 'short', text: row => row.way},
    {head: 'Done', style: '', show: (cell, row) => measure(cell, 'progress', row.moved, row.expected,
      row.expected > 0 ? Math.floor(100 * row.moved / row.expected) + ' %' : 'size not known')},
    {head: 'Moved', style: 'n', text: row => size(row.moved)},
    {head: 'Rate', style: 'n wide', text: row => row.since > 0 ? size(Math.round(row.moved / row.since)) + '/s' : ''},
    {head: 'For', style: 'n', text: row => span(row.since)}
  ], row => String(row.number));

  // ---- comparisons

  const TONES = {'GO': 'good', 'GO WITH EXCEPTIONS': 'mid', 'NO-GO': 'bad'};
  const shownComparisons = new Map();
  const noComparison = make('p', 'none',
    'No plugin is compared with another. The daemon compares with --shadow TYPE=P.');

  function comparisonOf(type) {
    const part = make('div');
    const head = make('h3');
    const verdict = make('p', 'verdict');
    const reasons = make('ul');
    const counts = make('p', 'note');
    const routes = table('Routes of ' + type, [
      {head: 'Storage', style: 'name', text: row => row.storage},
      {head: 'Method', style: 'code', text: row => row.method},
      {head: 'Way', style: 'short', text: row => row.way},
      {head: 'By', style: 'short wide', text: row => row.by},
      {head: 'Since', style: 'short wide', text: row => new Date(row.since).toLocaleString()},
      {head: 'Why', style: 'text', text: row => row.reason}
    ], row => row.storage + ' ' + row.method);
    const differences = table('Differences of ' + type, [
      {head: 'Call', style: 'text code', text: row => row.call},
      {head: 'Field', style: 'short', text: row => row.field + (row.subject ? ' of ' + row.subject : '')},
      {head: 'Old', style: 'text code', text: row => row.old},
      {head: 'New', style: 'text code', text: row => row.new},
      {head: 'Times', style: 'n', text: row => number(row.count)}
    ], row => row.call + ' ' + row.field + ' ' + row.subject);
    const more = make('p', 'note');
    part.append(head, verdict, reasons, counts, routes.element, differences.element, more);

    function update(row) {
      say(head, row.type + ', and ' + row.new + ' in its place');
      say(verdict, row.verdict);
      style(verdict, 'verdict ' + (TONES[row.verdict] || ''));
      list(reasons, row.reasons);
      say(counts, number(row.compared) + ' of ' + number(row.reads) + ' calls that read were compared: '
        + number(row.equal) + ' equal, ' + number(row.noise) + ' noise, ' + number(row.explained) + ' explained, '
        + number(row.unexplained) + ' unexplained; ' + number(row.dropped) + ' were dropped or late. '
        + number(row.changes) + ' calls changed something.');
      routes.update(row.routes, 'All calls are in the shadow: the old plugin answers, and the new one is compared.');
      differences.update(row.differences, 'There is no difference that nobody has explained.');
      say(more, row.more > 0 ? 'There are ' + number(row.more) + ' more; the report has all.' : '');
      more.hidden = !(row.more > 0);
    }
    return {element: part, update};
  }

  function list(element, texts) {
    while (element.children.length > texts.length) element.lastElementChild.remove();
    texts.forEach((text, i) => {
      if (!element.children[i]) element.append(make('li'));
      say(element.children[i], text);
    });
  }

  function updateComparisons(rows) {
    noComparison.hidden = rows.length > 0;
    for (const row of rows) {
      if (!shownComparisons.has(row.type)) {
        const shown = comparisonOf(row.type);
        shownComparisons.set(row.type, shown);
        byId('comparisons').append(shown.element);
      }
      shownComparisons.get(row.type).update(row);
    }
  }

  // ---- reports

  function links(cell, row) {
    Object.entries(row.links).forEach(([file, href], i) => {
      let link = cell.children[i];
      if (!link) {
        link = make('a', 'short');
        link.target = '_blank';
        link.rel = 'noopener noreferrer';
        cell.append(link, ' ');
      }
      say(link, file.replace('report.', ''));
      link.setAttribute('aria-label', file + ' of ' + row.name);
      if (href.startsWith('/reports/') && link.getAttribute('href') !== href) link.href = href;
    });
  }

  const reports = table('Reports', [
    {head: 'Report', style: 'name', text: row => row.name},
    {head: 'Written', style: 'short', text: row => date(row.time)},
    {head: 'Files', style: '', show: links},
    {head: 'Directory', style: 'text wide code', text: row => row.place}
  ], row => row.place);

  // ---- volumes

  const volumes = table('Volumes', [
    {head: 'Volume', style: 'name', text: row => row[0]},
    {head: 'Content', style: 'short', text: row => row[1]},
    {head: 'Format', style: 'short wide', text: row => row[2]},
    {head: 'Size', style: 'n', text: row => size(row[3])},
    {head: 'Guest', style: 'n wide', text: row => row[4]},
    {head: 'Notes', style: 'text wide', text: row => row[5]}
  ], row => row[0]);
  const ORDER = new Intl.Collator('en', {numeric: true});
  let listed = [];
  // How many the storage has, of which the daemon sends the first.
  let all = 0;
  let shown = STEP;
  let listing = 0;

  function updateVolumes() {
    const wanted = byId('pick').value.toLowerCase();
    const found = wanted === '' ? listed
      : listed.filter(row => (row[0] + ' ' + row[1] + ' ' + row[4] + ' ' + row[5]).toLowerCase().includes(wanted));
    volumes.update(found.slice(0, shown), '');
    byId('more').hidden = found.length <= shown;
    const first = all > listed.length ? 'the first ' + number(listed.length) + ' of ' + number(all) : '';
    const count = wanted === '' ? first || number(found.length) : number(found.length) + (first && ' of ' + first);
    say(byId('count'), count + (found.length === 1 && !first ? ' volume' : ' volumes')
      + (found.length > shown ? ', of which the first ' + number(shown) + ' are shown' : ''));
  }

  async function showVolumes(storage) {
    const mine = ++listing;
    say(byId('volumes-head'), 'Volumes of ' + storage);
    byId('pick').value = '';
    listed = [];
    all = 0;
    shown = STEP;
    volumes.update([], '');
    byId('more').hidden = true;
    say(byId('count'), 'Asking the storage…');
    byId('volumes').showModal();
    byId('pick').focus();
    let words;
    try {
      const answer = await get('/volumes?storage=' + encodeURIComponent(storage), LIST_LIMIT);
      const document = answer.ok ? await answer.json() : {problem: await answer.text()};
      if (document.problem) words = document.problem;
      else {
        listed = document.volumes.sort((a, b) => ORDER.compare(a[0], b[0]));
        all = document.all;
      }
    } catch (e) {
      words = 'The daemon does not answer: ' + e.message;
    }
    if (mine === listing) {
      updateVolumes();
      if (words) say(byId('count'), words);
    }
  }

  byId('pick').addEventListener('input', () => {
    shown = STEP;
    updateVolumes();
  });
  byId('more').addEventListener('click', () => {
    shown += STEP;
    updateVolumes();
  });
  byId('close').addEventListener('click', () => byId('volumes').close());
  byId('volumes').addEventListener('close', () => {
    listing++;
    listed = [];
    volumes.update([], '');
  });

  // ---- all of it

  let last = null;

  function updateStorages() {
    if (!last) return;
    const wanted = byId('find').value.toLowerCase();
    const only = byId('troubled').checked;
    storages.update(
      last.storages.filter(row => (!only || inTrouble(row))
        && (row.id + ' ' + row.type + ' ' + row.state).toLowerCase().includes(wanted)),
      last.storages.length === 0 ? 'The configuration has no storage that the daemon has a plugin for.'
        : 'No storage is like that.');
  }

  function summary(rows) {
    const element = byId('summary');
    rows.forEach(([value, words, tone], i) => {
      let item = element.children[i];
      if (!item) {
        item = make('li');
        item.append(make('strong'), make('span'));
        element.append(item);
      }
      say(item.firstElementChild, value);
      style(item.firstElementChild, tone || '');
      say(item.lastElementChild, words);
    });
  }

  function show(state) {
    const begin = performance.now();
    last = state;
    say(byId('daemon'), 'process ' + state.pid + ', listening for ' + span(state.uptime)
      + (state.before.length > 0 ? '; process ' + state.before.join(', ') + ' before it finishes its work' : ''));
    const active = state.storages.filter(row => row.state === 'active').length;
    const troubled = state.storages.filter(inTrouble).length;
    const count = what => state.crowds.reduce((sum, row) => sum + row[what], 0);
    const failed = state.calls.reduce((sum, row) => sum + Object.values(row.errors).reduce((a, b) => a + b, 0), 0);
    const unexplained = state.comparisons.reduce((sum, row) => sum + row.unexplained, 0);
    summary([
      [number(active) + ' / ' + number(state.storages.length), 'storages active'],
      [number(troubled), 'in trouble', troubled > 0 ? 'bad' : ''],
      [number(state.calls.reduce((sum, row) => sum + row.calls, 0)), 'calls'],
      [number(failed), 'of them failed'],
      [number(count('inside')), 'calls inside, ' + number(count('waiting')) + ' waiting', count('late') > 0 ? 'bad' : ''],
      [number(state.transfers.length), 'transfers'],
      [number(unexplained), 'calls differ', unexplained > 0 ? 'bad' : '']]);
    const problems = byId('problems');
    if (state.problems.length === 0) problems.replaceChildren();
    else {
      if (!problems.firstElementChild) problems.append(make('h2', '', 'Left out of the configuration'), make('ul'));
      list(problems.lastElementChild, state.problems);
    }
    updateStorages();
    calls.update(state.calls, 'Nobody has called yet.');
    crowds.update(state.crowds, 'No call is under way.');
    members.update(membersOf(state.plugins), 'The daemon hosts no plugin in Perl.');
    transfers.update(state.transfers, 'No volume is on its way.');
    updateComparisons(state.comparisons);
    reports.update(state.reports, 'There is no report.');
    byId('content').hidden = false;
    byId('parts').hidden = false;
    byId('forget').hidden = false;
    document.body.dataset.updated = String(Number(document.body.dataset.updated || 0) + 1);
    document.body.dataset.took = (performance.now() - begin).toFixed(1);
  }

  // ---- the daemon

  let token = '';

  function get(address, limit) {
    return fetch(address, {
      headers: {Authorization: 'Bearer ' + token}, cache: 'no-store', credentials: 'omit', redirect: 'error',
      signal: AbortSignal.timeout(limit)});
  }

  let timer = 0;
  let isAsking = false;

  async function ask() {
    clearTimeout(timer);
    if (token === '' || document.hidden || isAsking) return;
    isAsking = true;
    const mine = token;
    let pause = PAUSE;
    try {
      const answer = await get('/state', LIMIT);
      const said = answer.ok ? await answer.json() : (await answer.text()).trim();
      // What is said to one token is nothing to the next, which is asked for at once.
      if (token !== mine) pause = 0;
      else if (answer.status === 401) {
        logout('The daemon does not know this token.');
        return;
      } else if (!answer.ok) throw new Error(said);
      else {
        document.body.classList.remove('stale');
        say(byId('live'), 'live');
        show(said);
      }
    } catch (e) {
      pause = token === mine ? LONG_PAUSE : 0;
      if (token === mine) {
        document.body.classList.add('stale');
        say(byId('live'), 'The daemon does not answer, and is asked again: ' + e.message);
      }
    } finally {
      isAsking = false;
    }
    timer = setTimeout(ask, pause);
  }

  function keep(value) {
    token = value;
    try {
      sessionStorage.setItem(KEPT, value);
    } catch (e) {
      // Then it is asked for again.
    }
  }

  function login(value) {
    keep(value);
    byId('login').hidden = true;
    say(byId('refused'), '');
    say(byId('live'), 'asking');
    ask();
  }

  function logout(why) {
    keep('');
    clearTimeout(timer);
    // What somebody was shown is not left for whoever comes next.
    if (last) show({...last, storages: [], problems: [], calls: [], plugins: [], crowds: [], transfers: [], comparisons: [],
      reports: []});
    last = null;
    for (const shown of shownComparisons.values()) shown.element.remove();
    shownComparisons.clear();
    for (const id of ['content', 'parts', 'forget']) byId(id).hidden = true;
    if (byId('volumes').open) byId('volumes').close();
    say(byId('live'), '');
    say(byId('daemon'), '');
    byId('login').hidden = false;
    say(byId('refused'), why);
    byId('token').value = '';
    byId('token').focus();
  }

  byId('login').addEventListener('submit', event => {
    event.preventDefault();
    // A token that is no header's text is none of ours.
    const given = byId('token').value.trim();
    if (/^[A-Za-z0-9._~-]+$/.test(given)) login(given);
    else logout('That is no token.');
  });
  byId('forget').addEventListener('click', () => logout(''));
  byId('find').addEventListener('input', updateStorages);
  byId('troubled').addEventListener('change', updateStorages);
  document.addEventListener('visibilitychange', ask);

  storages.element.classList.add('storages');
  byId('listed').append(volumes.element);
  byId('storages').append(storages.element);
  byId('calls').append(calls.element, make('h3', '', 'Under way'), crowds.element);
  byId('plugins').append(members.element);
  byId('transfers').append(transfers.element);
  byId('comparisons').append(noComparison);
  byId('reports').append(reports.element);

  function begin() {
    const given = /^#token=([A-Za-z0-9._~-]+)$/.exec(location.hash);
    let known = '';
    try {
      known = sessionStorage.getItem(KEPT) || '';
    } catch (e) {
      // There is none.
    }
    if (given) {
      // It must not stay in the history, or be copied with the address.
      history.replaceState(null, '', location.pathname);
      login(given[1]);
    } else if (known !== '') login(known);
    else logout('');
  }
  window.addEventListener('hashchange', () => {
    if (location.hash.startsWith('#token=')) begin();
  });
  begin();
})();
