'use strict';
(() => {
  const id = (name) => document.getElementById(name);
  const root = document.documentElement.dataset.root;

  // Where the registry is, only the browser knows.
  if (location.protocol.startsWith('http')) {
    const address = new URL(root || '.', location.href.replace(/[?#].*/, '')).href.replace(/\/$/, '');
    // It goes into commands that are copied: nothing that a shell would take for more than a word.
    if (/^[A-Za-z0-9:/.%_~-]+$/.test(address)) {
      for (const span of document.querySelectorAll('.address')) span.textContent = address;
    }
  }

  const said = id('said');
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Over plain http there is no clipboard but that of a selection.
      const area = document.createElement('textarea');
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand('copy');
      area.remove();
      if (!done) return false;
    }
    return true;
  };
  for (const button of document.querySelectorAll('.copy')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      const done = await copy(button.previousElementSibling.textContent.trimEnd());
      button.textContent = done ? 'Copied' : 'Select and copy';
      said.textContent = button.textContent;
      button.focus();
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    });
  }

  const form = id('find');
  if (!form) return;
  // The columns of a row of integrations.js, as the program that writes it has them.
  const [NAME, TITLE, ABOUT, VERSION, , STATE, ICON, , TYPES, CLASSES, PROTOCOLS, PLATFORMS, TAGS] = Array(14).keys();
  const shownAtOnce = 30;
  const list = id('results'), count = id('count'), clear = id('clear'), pages = id('pages'), more = id('more');
  const plain = [...list.children], plainCount = count.textContent;
  const fields = ['q', 'protocol', 'type', 'class', 'platform', 'signed'].map((name) => form.elements[name]);
  const words = (text) => text ? text.split('\n') : [];
  let rows = null, found = [], shown = 0, loading = null;

  // A script, not a request: pages of a folder may make none.
  const load = () => loading ||= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = 'integrations.js';
    script.addEventListener('error', () => { loading = null; reject(); });
    script.addEventListener('load', () => {
      rows = window.kpkgIntegrations.map((row) => ({
        row,
        name: row[NAME].toLowerCase(),
        title: row[TITLE].toLowerCase(),
        keys: (row[PROTOCOLS] + '\n' + row[TAGS] + '\n' + row[TYPES] + '\n' + row[CLASSES]).toLowerCase(),
        about: row[ABOUT].toLowerCase(),
      }));
      const protocols = new Set();
      for (const one of rows) for (const protocol of words(one.row[PROTOCOLS])) protocols.add(protocol);
      id('protocols').append(...[...protocols].sort().slice(0, 500).map((protocol) => {
        const option = document.createElement('option');
        option.value = protocol;
        return option;
      }));
      resolve();
    });
    document.head.append(script);
  });

  const make = (kind, className, text) => {
    const element = document.createElement(kind);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const card = ({row}) => {
    const item = make('li');
    if (row[ICON]) {
      const image = make('img', 'icon');
      image.alt = '';
      image.loading = 'lazy';
      image.src = 'community/v1.1.0/' + encodeURIComponent(row[NAME]) + '/' + row[ICON];
      item.append(image);
    } else {
      item.append(make('span', 'icon letter', [...row[TITLE]][0].toUpperCase()));
      item.firstChild.setAttribute('aria-hidden', 'true');
    }
    const link = make('a', '', row[TITLE]);
    link.href = 'community/v1.1.0/' + encodeURIComponent(row[NAME]) + '/index.html';
    const heading = make('h2');
    heading.append(link);
    const chips = make('div', 'chips');
    if (row[STATE].includes('p')) chips.append(make('span', 'chip warning', 'pre-release'));
    if (row[STATE].includes('s')) chips.append(make('span', 'chip good', 'signed'));
    for (const type of words(row[TYPES])) chips.append(make('span', 'chip', type));
    for (const protocol of words(row[PROTOCOLS]).slice(0, 4)) chips.append(make('span', 'chip proto', protocol + '://'));
    item.append(heading, make('p', 'at', row[NAME] + ' ' + row[VERSION]), make('p', 'about', row[ABOUT]), chips);
    return item;
  };

  // How well a row answers what was typed; 0 for not at all. Every word has to be somewhere in it.
  const rank = (one, asked) => {
    let sum = 1;
    for (const word of asked) {
      if (one.name === word || one.title === word) sum += 100;
      else if (one.name.startsWith(word) || one.title.startsWith(word)) sum += 40;
      else if (one.name.includes(word) || one.title.includes(word)) sum += 20;
      else if (one.keys.includes(word)) sum += 10;
      else if (one.about.includes(word)) sum += 1;
      else return 0;
    }
    return sum;
  };

  const showMore = () => {
    list.append(...found.slice(shown, shown + shownAtOnce).map(card));
    shown = Math.min(found.length, shown + shownAtOnce);
    more.hidden = shown === found.length;
  };
  const state = () => fields.filter((field) => field.value !== '');
  const search = () => {
    const asked = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const [, protocol, type, kind, platform, signed] = fields.map((field) => field.value);
    const scheme = protocol.toLowerCase().replace(/:.*/, '');
    const has = (text, wanted) => !wanted || ('\n' + text + '\n').includes('\n' + wanted + '\n');
    const ranked = [];
    for (const one of rows) {
      const {row} = one;
      if (scheme && !words(row[PROTOCOLS]).some((p) => p.startsWith(scheme))) continue;
      if (!has(row[TYPES], type) || !has(row[CLASSES], kind) || !has(row[PLATFORMS], platform)) continue;
      if (signed && (signed === 'yes') !== row[STATE].includes('s')) continue;
      const sum = rank(one, asked);
      if (sum) ranked.push([sum, one]);
    }
    found = ranked.sort((a, b) => b[0] - a[0]).map(([, one]) => one);
    shown = 0;
    list.replaceChildren();
    showMore();
    count.textContent = found.length === 0 ? 'Nothing is like that.' : found.length === 1 ? '1 integration' : found.length + ' integrations';
    pages.hidden = true;
  };
  const update = async () => {
    const set = state();
    const bar = new URLSearchParams(set.map((field) => [field.name, field.value])).toString();
    history.replaceState(null, '', bar ? '#' + bar : location.href.replace(/#.*/, ''));
    clear.hidden = set.length === 0;
    if (set.length === 0) {
      list.replaceChildren(...plain);
      count.textContent = plainCount;
      pages.hidden = false;
      more.hidden = true;
      return;
    }
    try {
      await load();
    } catch {
      count.textContent = 'The list could not be loaded: look through the pages below.';
      return;
    }
    if (state().length > 0) search();
  };
  const restore = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) field.value = asked.get(field.name) || '';
    update();
  };

  form.hidden = false;
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', update);
  form.addEventListener('focusin', () => { load().catch(() => {}); }, {once: true});
  clear.addEventListener('click', () => { form.reset(); update(); form.elements.q.focus(); });
  more.addEventListener('click', () => {
    const next = shown;
    showMore();
    list.children[next].querySelector('a').focus();
  });
  addEventListener('hashchange', restore);
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const query = form.elements.q, at = document.activeElement;
    const typing = at && /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName);
    const links = [...list.querySelectorAll('a')], now = links.indexOf(at);
    if (event.key === '/' && !typing) query.focus();
    else if (event.key === 'Escape' && at === query && query.value) { query.value = ''; update(); }
    else if (event.key === 'Enter' && at === query && query.value) update().then(() => list.querySelector('a')?.click());
    else if (event.key === 'ArrowDown' && (at === query || now >= 0 || at === document.body)) links[Math.min(now + 1, links.length - 1)]?.focus();
    else if (event.key === 'ArrowUp' && now === 0) query.focus();
    else if (event.key === 'ArrowUp' && now > 0) links[now - 1].focus();
    else return;
    event.preventDefault();
  });
  if (location.hash) restore();
})();
