// Runs once, when the page has loaded. What is inside `element` is replaced with each
// result, so listeners sit on `element` itself.
let player = null;

function current() {
  const root = element.querySelector('.seg');
  if (!root) return null;
  if (!player || player.root !== root) {
    player = {
      root,
      ...JSON.parse(root.dataset.player),
      video: root.querySelector('video'),
      time: 0,
    };
    // With several people, the state above the timelines is that of the last used one.
    root.querySelectorAll('.person').forEach((section, k) => {
      Object.assign(player.people[k], {
        section,
        track: section.querySelector('.track'),
        bars: section.querySelectorAll('.bar > div'),
        rows: section.querySelectorAll('.list tbody tr'),
        shown: null,
      });
    });
    player.active = player.people[0];
    player.video.controls = false;
    show(player, 0);
  }
  return player;
}

function clock(seconds) {
  // The frame number has the same tolerance.
  const tenths = Math.floor((seconds + 1e-3) * 10);
  const two = (number) => String(number).padStart(2, '0');
  const minutes = Math.floor(tenths / 600);
  const hour = minutes >= 60 ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}` : minutes;
  return `${hour}:${two(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
}

function personAt(p, target) {
  const section = target.closest('.person');
  return p.people.find((q) => q.section === section);
}

function choose(p, q) {
  if (p.active === q) return;
  p.active = q;
  p.root.querySelector('.now').innerHTML = '';
}

function segmentAt(q, time) {
  return q.segments.findIndex(([start, end]) => start <= time && time < end);
}

function describe(p, q, i) {
  if (i < 0) return 'unlabelled';
  const [, , label, score] = q.segments[i];
  return `${p.classes[label].name}, ${Math.round(100 * score)} %`;
}

function show(p, time) {
  p.time = Math.min(Math.max(time, 0), p.seconds);
  for (const q of p.people) move(p, q);
  const now = p.root.querySelector('.now');
  const frame = Math.min(Math.floor(p.time * p.fps + 1e-3), Math.round(p.seconds * p.fps) - 1);
  now.lastChild.textContent = `${clock(p.time)} / ${clock(p.seconds)} · frame ${frame}`;
}

function move(p, q) {
  // The end belongs to the last segment.
  const i = segmentAt(q, Math.min(p.time, p.seconds - 1e-6));
  q.track.querySelector('.cursor').style.left = `${(100 * p.time) / p.seconds}%`;
  q.track.setAttribute('aria-valuenow', p.time.toFixed(2));
  q.track.setAttribute('aria-valuetext', `${clock(p.time)}, ${describe(p, q, i)}`);
  const now = p.root.querySelector('.now');
  if (q === p.active && (q.shown !== i || !now.children.length)) tell(p, q, i);
  if (q.shown === i) return;
  q.rows.forEach((row, k) => row.classList.toggle('current', k === i));
  q.section.querySelectorAll('.legend button').forEach((button) => {
    const label = i < 0 ? '' : String(q.segments[i][2]);
    button.classList.toggle('current', button.dataset.class === label);
  });
  q.shown = i;
}

function tell(p, q, i) {
  const now = p.root.querySelector('.now');
  now.innerHTML = '<i></i><b></b><small></small><time></time>';
  const [swatch, name, sure] = now.children;
  const who = q.name ? `${q.name}: ` : '';
  if (i >= 0) {
    const [, , label, score] = q.segments[i];
    const entry = p.classes[label];
    swatch.textContent = label;
    swatch.style.cssText = `background:${entry.color};color:${entry.ink}`;
    name.textContent = who + entry.name;
    sure.textContent = `${Math.round(100 * score)} %`;
  } else {
    swatch.className = 'unlabelled';
    name.textContent = `${who}unlabelled`;
  }
}

function seek(p, time) {
  const to = Math.min(Math.max(time, 0), p.seconds);
  // Inside the frame, since at its edge a browser may show the one before.
  p.video.currentTime = Math.min(to + 0.001, p.video.duration || to + 0.001);
  show(p, to);
}

function timeAt(p, event) {
  const box = p.active.track.getBoundingClientRect();
  return (Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1)) * p.seconds;
}

function point(p, event) {
  const q = p.active;
  const time = timeAt(p, event);
  const tip = q.track.querySelector('.tip');
  const i = segmentAt(q, time);
  tip.textContent = `${clock(time)}  ${i < 0 ? '' : `${q.segments[i][2]} `}${describe(p, q, i)}`;
  const box = q.track.getBoundingClientRect();
  const half = tip.offsetWidth / 2;
  const x = Math.min(Math.max(event.clientX - box.left, half), box.width - half);
  tip.style.left = `${x}px`;
  tip.style.visibility = 'visible';
}

function toggle(p) {
  if (p.video.paused) p.video.play();
  else p.video.pause();
}

function enlarge(p) {
  if (p.video.requestFullscreen) p.video.requestFullscreen();
  else if (p.video.webkitEnterFullscreen) p.video.webkitEnterFullscreen();
}

function hide(p) {
  for (const q of p.people) q.track.querySelector('.tip').style.visibility = 'hidden';
}

function only(q, label) {
  if (label === null) delete q.track.dataset.only;
  else q.track.dataset.only = label;
  q.bars.forEach((bar, i) => bar.classList.toggle('only', String(q.segments[i][2]) === label));
}

element.addEventListener('pointerdown', (event) => {
  const p = current();
  if (!p || event.button !== 0 || !event.target.closest('.track')) return;
  choose(p, personAt(p, event.target));
  p.active.track.setPointerCapture(event.pointerId);
  p.dragged = event.pointerId;
  seek(p, timeAt(p, event));
  point(p, event);
});
element.addEventListener('pointermove', (event) => {
  const p = current();
  if (!p) return;
  if (!event.target.closest('.track')) return hide(p);
  if (personAt(p, event.target) !== p.active) {
    hide(p);
    choose(p, personAt(p, event.target));
    show(p, p.time);
  }
  point(p, event);
  if (p.dragged === event.pointerId) seek(p, timeAt(p, event));
});
for (const name of ['pointerup', 'pointercancel']) {
  element.addEventListener(name, (event) => {
    const p = current();
    if (!p) return;
    p.dragged = null;
    if (event.pointerType !== 'mouse') hide(p);
  });
}
element.addEventListener('pointerleave', () => current() && hide(current()));

element.addEventListener('keydown', (event) => {
  const p = current();
  if (!p || !event.target.matches('.track')) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  choose(p, personAt(p, event.target));
  const step = event.shiftKey ? 1 / p.fps : 1;
  const starts = p.active.segments.map(([start]) => start);
  const actions = {
    ArrowLeft: () => seek(p, p.time - step),
    ArrowDown: () => seek(p, p.time - step),
    ArrowRight: () => seek(p, p.time + step),
    ArrowUp: () => seek(p, p.time + step),
    PageUp: () => seek(p, starts.findLast((start) => start < p.time - 0.1) ?? 0),
    PageDown: () => seek(p, starts.find((start) => start > p.time + 0.01) ?? p.seconds),
    Home: () => seek(p, 0),
    End: () => seek(p, p.seconds),
    ' ': () => toggle(p),
  };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
});

element.addEventListener('click', (event) => {
  const p = current();
  if (p && event.target === p.video) toggle(p);
  const button = p && event.target.closest('button');
  if (!button) return;
  if (button.matches('.play')) toggle(p);
  if (button.matches('.full')) enlarge(p);
  const q = personAt(p, button);
  if (q) choose(p, q);
  if (button.dataset.time) seek(p, Number(button.dataset.time));
  if (button.dataset.class) {
    const same = q.segments.filter(([, , label]) => String(label) === button.dataset.class);
    const next = same.find(([start]) => start > p.time + 0.01) || same[0];
    seek(p, next[0]);
  }
});
for (const [on, off] of [['pointerover', 'pointerout'], ['focusin', 'focusout']]) {
  element.addEventListener(on, (event) => {
    const button = event.target.closest('.legend button');
    if (button) only(personAt(current(), button), button.dataset.class);
  });
  element.addEventListener(off, (event) => {
    const button = event.target.closest('.legend button');
    if (button) only(personAt(current(), button), null);
  });
}

element.addEventListener('change', (event) => {
  if (event.target.matches('select')) current().video.playbackRate = Number(event.target.value);
});
element.addEventListener('fullscreenchange', () => {
  const p = current();
  if (p) p.video.controls = document.fullscreenElement === p.video;
});

// Media events do not bubble, hence they are caught on their way down.
function follow() {
  const p = current();
  if (!p) return;
  show(p, p.video.currentTime);
  if (!p.video.paused && !p.video.ended) requestAnimationFrame(follow);
}
for (const name of ['play', 'seeked', 'timeupdate', 'loadedmetadata']) {
  element.addEventListener(name, follow, true);
}
for (const name of ['play', 'pause', 'ended']) {
  element.addEventListener(name, () => {
    const p = current();
    const button = p.root.querySelector('.play');
    button.classList.toggle('playing', !p.video.paused);
    button.setAttribute('aria-label', p.video.paused ? 'Play' : 'Pause');
  }, true);
}
watch('value', () => current());
current();
