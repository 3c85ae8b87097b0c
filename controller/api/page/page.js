// The page for people. Everything that comes from outside is put in as text, never as HTML.
'use strict';

const LABEL = 'page';
const TECHNIQUES = {
  1: 'destination', 3: 'atlas', 4: 'atlas, about', 5: 'record route', 6: 'spoofed record route',
  11: 'symmetry assumed', 12: 'symmetry assumed across ASes',
};
const REFRESH_MS = 10000;
const $ = (id) => document.getElementById(id);
let following = null;  // of the batch that is shown: {batch, controller}

function headers(more = {}) {
  const key = sessionStorage.getItem('revtr-key');
  return key ? {...more, 'Revtr-Key': key} : more;
}

async function ask(path, options = {}) {
  const response = await fetch(path, {...options, headers: headers(options.headers)});
  if (response.ok) return response;
  let sentence = `the controller answered ${response.status}`;
  try {
    sentence = (await response.json()).error.sentence || sentence;
  } catch { /* not one of ours */ }
  $('key-form').hidden = response.status !== 401;
  throw new Error(sentence);
}

function tell(error) {
  const trouble = $('trouble');
  trouble.textContent = error ? error.message : '';
  trouble.hidden = !error;
}

function element(name, text = '', className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function row(cells) {
  const made = document.createElement('tr');
  for (const cell of cells) {
    const [text, className] = Array.isArray(cell) ? cell : [cell, ''];
    made.append(element('td', text, className));
  }
  return made;
}

function fill(id, rows, nothing) {
  const body = $(id).tBodies[0];
  body.replaceChildren(...(rows.length ? rows : [row([nothing])]));
}

function age(unixSeconds) {
  if (!unixSeconds) return '–';
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - unixSeconds));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}

const milliseconds = (us) => us ? `${(us / 1000).toFixed(us < 100000 ? 2 : 1)} ms` : '';

// --- what there is --------------------------------------------------------------------------------

function showSources(sources) {
  const select = $('src');
  const chosen = select.value;
  select.replaceChildren(...sources.map((source) => {
    const option = element('option', `${source.hostname} (${source.ip})`);
    option.value = source.hostname;
    option.disabled = !source.ready;
    return option;
  }));
  if (sources.some((source) => source.hostname === chosen)) select.value = chosen;
  fill('sources', sources.map((source) => row([
    source.hostname, source.ip, [source.ready ? 'yes' : source.why_not || 'no', 'long'],
    `${source.atlas.traceroutes} traceroutes, ${source.atlas.hops} hops`, age(source.atlas.oldest),
  ])), 'none');
}

function showVantagePoints(vps) {
  fill('vps', vps.map((vp) => row([
    vp.name, vp.ip, vp.asn ? `AS${vp.asn}` : '–', [vp.why ? `${vp.state}: ${vp.why}` : vp.state, 'long'],
    Object.keys(vp.can).filter((what) => vp.can[what]).join(', ').replaceAll('_', ' ') || 'nothing',
    age(vp.last_heard),
  ])), 'none');
}

function showLast(paths) {
  fill('last', paths.map((path) => row([
    age(path.date), path.dst, path.src,
    path.stop_reason + (path.fail_reason ? `: ${path.fail_reason}` : ''),
    [String(path.revtr_hops.length), 'number'], milliseconds(path.runtime),
  ])), 'none yet');
}

async function refresh() {
  try {
    const [sources, vps, last] = await Promise.all([
      ask('/api/v1/sources').then((it) => it.json()),
      ask('/api/v1/vantage_points').then((it) => it.json()),
      ask(`/api/v1/revtr?label=${LABEL}&limit=20`).then((it) => it.json()),
    ]);
    showSources(sources.srcs);
    showVantagePoints(vps.vantage_points);
    showLast(last.revtrs);
    if (!following) tell(null);
  } catch (error) {
    tell(error);
  }
}

// --- a measurement --------------------------------------------------------------------------------

function marks(hop, before) {
  const all = [];
  if (hop.uncertain_group) all.push(`one of group ${hop.uncertain_group}`);
  if (hop.branch) all.push(`branch ${hop.branch}`);
  if (hop.from_cache) all.push('from cache');
  if (hop.asn && before && before.asn && hop.asn !== before.asn) all.push('another AS');
  return all.join(', ');
}

function draw(path) {
  const box = element('div', '', path.stop_reason === 'REACHES' ? 'path' : 'path failed');
  const why = path.fail_reason ? ` (${[path.fail_reason, path.fail_detail].filter(Boolean).join(': ')})` : '';
  box.append(element('h3', `${path.dst} → ${path.src}: ${path.stop_reason}${why}`));
  const table = document.createElement('table');
  const body = table.createTBody();
  box.append(table, element('p', `${milliseconds(path.runtime) || '0 ms'}, ${path.probes} probes`
    + (path.from_cache ? ', from cache' : ''), 'hint'));
  $('paths').append(box);
  path.revtr_hops.forEach((hop, at) => {
    const place = hop.geolocation_ipinfo || {};
    const line = row([
      [String(hop.hop_number), 'number'], hop.hop_ip || '*', hop.asn ? `AS${hop.asn}` : '',
      [place.city, place.country].filter(Boolean).join(', '), [milliseconds(hop.rtt), 'number'],
      TECHNIQUES[hop.hop_type] || `type ${hop.hop_type}`, [marks(hop, path.revtr_hops[at - 1]), 'mark'],
    ]);
    line.className = `t${hop.hop_type}`;
    line.style.animationDelay = `${Math.min(at, 40) * 60}ms`;
    body.append(line);
  });
}

// Reads server-sent events; a stream that breaks is begun again where it broke.
async function* events(batch, signal) {
  let last = '';
  for (;;) {
    const more = last ? {'Last-Event-ID': last} : {};
    try {
      const response = await ask(`/api/v1/revtr/${batch}/events`, {headers: more, signal});
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const {value, done} = await reader.read();
        if (done) break;
        text += value;
        const whole = text.split('\n\n');
        text = whole.pop();
        for (const block of whole) {
          const event = {type: '', data: ''};
          for (const line of block.split('\n')) {
            const [field, ...rest] = line.split(': ');
            if (field === 'event') event.type = rest.join(': ');
            if (field === 'data') event.data += rest.join(': ');
            if (field === 'id') last = rest.join(': ');
          }
          if (event.type) yield event;
          if (event.type === 'end') {
            await reader.cancel();
            return;
          }
        }
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof TypeError)) throw error;  // TypeError: the network
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function follow(batch, total) {
  const controller = new AbortController();
  following = {batch, controller};
  $('stop').hidden = false;
  const began = Date.now();
  let ended = 0;
  const progress = () => {
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    $('progress').textContent = `${ended} of ${total} ended, ${seconds} s`;
  };
  progress();
  const clock = setInterval(progress, 100);
  try {
    for await (const event of events(batch, controller.signal)) {
      if (event.type !== 'revtr') continue;
      ended += 1;
      draw(JSON.parse(event.data));
    }
  } finally {
    clearInterval(clock);
    progress();
    $('stop').hidden = true;
    following = null;
    refresh();
  }
}

async function measure() {
  const src = $('src').value;
  const destinations = $('dst').value.split(/[\s,]+/).filter(Boolean);
  const revtrs = destinations.map((dst) => ({
    src, dst, label: LABEL, use_cache: !$('fresh').checked, is_run_rtt_pings: $('rtts').checked,
  }));
  if (following) following.controller.abort();
  const response = await ask('/api/v1/revtr', {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({revtrs}),
  });
  const {batch_id: batch} = await response.json();
  $('paths').replaceChildren();
  await follow(batch, revtrs.length);
}

function guarded(action) {
  return async (event) => {
    event.preventDefault();
    try {
      tell(null);
      await action();
    } catch (error) {
      if (error.name !== 'AbortError') tell(error);
    }
  };
}

$('key-form').addEventListener('submit', guarded(async () => {
  sessionStorage.setItem('revtr-key', $('key').value.trim());
  $('key').value = '';
  $('key-form').hidden = true;
  await refresh();
}));
$('measure').addEventListener('submit', guarded(measure));
$('stop').addEventListener('click', guarded(async () => {
  if (following) await ask(`/api/v1/revtr?batchid=${following.batch}`, {method: 'DELETE'});
}));
refresh();
setInterval(() => { if (!following && !document.hidden) refresh(); }, REFRESH_MS);
