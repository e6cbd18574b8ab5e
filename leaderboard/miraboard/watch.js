// Clips in step: one clock, and every film is held to it. A small difference is made up by playing a little faster or
// slower, a large one by a jump, and a film that falls behind holds up the clock. A browser may still show one film's
// frame later than another's: so what is seen are canvases, painted all at once, and only with frames of one moment.
'use strict';
(() => {
  const films = [...document.querySelectorAll('.wt video')];
  const form = document.getElementById('choose');
  if (form) form.addEventListener('change', () => form.submit());
  if (!films.length) return;
  const $ = (id) => document.getElementById(id);
  const length = (film) => Number(film.dataset.frames) / Number(film.dataset.fps);
  const end = Math.max(...films.map(length));
  const finest = Math.max(...films.map((film) => Number(film.dataset.fps)));
  const EDGE = 0.25 / finest, JUMP = 0.25, GAIN = 4, MOST = 0.25;
  const PATIENCE = 400;  // milliseconds without a common moment, after which all films are set to one
  const state = { at: 0, seen: 0, playing: false, speed: 1, loop: false, last: 0, stalled: false, painted: 0 };

  // -- frames ----------------------------------------------------------------------------
  const exact = 'requestVideoFrameCallback' in HTMLVideoElement.prototype;
  for (const film of films) {
    film.canvas = film.parentElement.querySelector('canvas');
    film.taken = document.createElement('canvas');
    for (const canvas of [film.canvas, film.taken]) { canvas.width = film.width; canvas.height = film.height; }
    if (!exact) film.canvas.remove();
  }
  const frame = (film) => 1 / Number(film.dataset.fps);
  const take = (film, moment) => {
    film.moment = moment;
    film.taken.getContext('2d').drawImage(film, 0, 0, film.taken.width, film.taken.height);
  };
  const watch = (film) => {
    const note = (_now, facts) => { take(film, facts.mediaTime); film.requestVideoFrameCallback(note); };
    if (exact) film.requestVideoFrameCallback(note);
  };
  // whether there is a moment at which every film shows the frame that was taken; a last frame stays for ever
  const common = () => {
    const begun = Math.max(...films.map((film) => film.moment ?? -1));
    const over = (film) => film.moment >= length(film) - 1.5 * frame(film);
    return films.every((film) => film.moment >= 0 && (over(film) || film.moment + frame(film) > begun - 1e-3));
  };
  const paint = () => {
    if (!exact) { state.seen = state.at; return; }
    if (!common()) return;
    for (const film of films) {
      film.canvas.getContext('2d').drawImage(film.taken, 0, 0);
      film.painted = film.moment;
    }
    state.painted = performance.now();
    const begun = Math.max(...films.map((film) => film.moment));
    if (state.playing) state.seen = Math.min(Math.max(begun, 0), end);
  };

  // -- what is shown ---------------------------------------------------------------------
  const valueAt = (points, at) => {
    if (!points.length) return null;
    if (at <= points[0][0]) return points[0][1];
    for (let k = 1; k < points.length; k += 1) {
      const [before, a] = points[k - 1], [after, b] = points[k];
      if (at <= after) return a + ((b - a) * (at - before)) / (after - before || 1);
    }
    return points[points.length - 1][1];
  };
  const cells = [...document.querySelectorAll('.now')]
    .map((cell) => ({ cell, points: JSON.parse(cell.dataset.points) })).filter((c) => c.points.length);
  const cursors = [...document.querySelectorAll('.cursor')];
  const draw = () => {
    $('at').value = state.seen;
    $('time').textContent = `${state.seen.toFixed(3)} s`;
    const x = (1000 * state.seen) / end;
    for (const line of cursors) { line.setAttribute('x1', x); line.setAttribute('x2', x); }
    for (const { cell, points } of cells) cell.textContent = Number(valueAt(points, state.seen).toPrecision(3));
  };
  const remember = () => {
    const address = new URL(location.href);
    const named = films.map((film) => new URL(film.closest('figure').querySelector('a').href).searchParams.get('id'));
    for (const key of ['id0', 'id1', 'id2']) address.searchParams.delete(key);
    address.searchParams.set('prompt', form.elements.prompt.value);
    address.searchParams.set('id', named.join(','));
    address.searchParams.set('t', state.seen.toFixed(3));
    if (state.loop) address.searchParams.set('loop', '1'); else address.searchParams.delete('loop');
    history.replaceState(null, '', address);
  };

  // -- moving ----------------------------------------------------------------------------
  // the middle of a frame is that frame in every browser; its edge is not
  const inside = (film, at) => {
    const fps = Number(film.dataset.fps), last = Number(film.dataset.frames) - 1;
    return (Math.min(last, Math.max(0, Math.floor(at * fps + 1e-6))) + 0.5) / fps;
  };
  const jump = (film, at) => new Promise((done) => {
    const moment = inside(film, at);
    // what `seeked` promises is the right place; the picture may come a moment later
    const over = () => requestAnimationFrame(() => requestAnimationFrame(() => {
      take(film, moment - frame(film) / 2);
      done();
    }));
    film.addEventListener('seeked', over, { once: true });
    film.currentTime = moment;
  });
  let wanted = null, moving = null;
  const seek = (at) => {
    state.at = state.seen = Math.min(end, Math.max(0, at));
    wanted = state.at;
    draw();
    moving ??= (async () => {
      while (wanted !== null) {
        const next = wanted;
        wanted = null;
        await Promise.all(films.map((film) => jump(film, next)));
        paint();
      }
      moving = null;
    })();
    return moving;
  };
  const pause = async () => {
    state.playing = false;
    films.forEach((film) => film.pause());
    $('play').textContent = 'Play';
    $('play').setAttribute('aria-pressed', 'false');
    await seek(state.seen);
    remember();
  };
  const play = async () => {
    if (state.seen >= end - 1.5 / finest) await seek(0);
    if (moving) await moving;
    state.playing = true;
    $('play').textContent = 'Pause';
    $('play').setAttribute('aria-pressed', 'true');
    start();
  };
  const start = () => {
    state.last = state.painted = performance.now();
    films.forEach((film) => { if (film.currentTime < length(film) - EDGE) film.play().catch(() => {}); });
    requestAnimationFrame(tick);
  };
  const behind = (film) => state.at < length(film) - EDGE && (film.readyState < 3 || film.seeking);
  const hold = (film) => {
    const target = Math.min(state.at, length(film) - EDGE);
    if (state.at >= length(film) - EDGE) { film.pause(); return; }
    const error = film.currentTime - target;
    if (Math.abs(error) > JUMP && !film.seeking) film.currentTime = target;
    const mend = Math.max(-MOST, Math.min(MOST, GAIN * error));
    film.playbackRate = state.speed * (1 - (Math.abs(error) < EDGE / 4 ? 0 : mend));
    if (film.paused) film.play().catch(() => {});
  };
  const tick = (now) => {
    if (!state.playing) return;
    const passed = Math.max(0, now - state.last) / 1000;
    state.last = now;
    const stalled = films.some(behind);
    if (stalled) {
      if (!state.stalled) films.forEach((film) => { if (!behind(film)) film.pause(); });
    } else {
      // a page that was hidden, or a long stop, is no time that was seen
      state.at += Math.min(passed, 0.1) * state.speed;
      if (state.at >= end) { over(); return; }
      films.forEach(hold);
    }
    state.stalled = stalled;
    paint();
    if (now - state.painted > PATIENCE) { again(); return; }
    draw();
    requestAnimationFrame(tick);
  };
  const again = async () => {
    films.forEach((film) => film.pause());
    await seek(state.at);
    if (state.playing) start();
  };
  const over = async () => {
    if (!state.loop) { state.at = end - 0.5 / finest; await pause(); return; }
    films.forEach((film) => film.pause());
    await seek(0);
    if (state.playing) start();
  };
  const step = async (frames) => {
    if (state.playing) await pause();
    const next = Math.floor(state.seen * finest + 1e-6) + frames;
    await seek((Math.min(Math.round(end * finest) - 1, Math.max(0, next)) + 0.5) / finest);
    remember();
  };

  // -- controls --------------------------------------------------------------------------
  $('play').addEventListener('click', () => (state.playing ? pause() : play()));
  $('back').addEventListener('click', () => step(-1));
  $('on').addEventListener('click', () => step(1));
  $('at').addEventListener('input', () => { if (state.playing) pause(); seek(Number($('at').value)); });
  $('at').addEventListener('change', remember);
  $('loop').addEventListener('change', () => { state.loop = $('loop').checked; remember(); });
  $('speed').addEventListener('change', () => { state.speed = Number($('speed').value); });
  addEventListener('keydown', (event) => {
    const own = event.key === ' ' ? 'select, input, button, a' : 'select, input:not(#at)';
    if (event.target.closest(own)) return;
    const keys = { ' ': () => $('play').click(), ArrowLeft: () => step(-1), ArrowRight: () => step(1) };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  films.forEach(watch);

  // -- beginning -------------------------------------------------------------------------
  const load = async (film) => {
    const answer = await fetch(film.dataset.film);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const ready = new Promise((done, failed) => {
      film.addEventListener('loadeddata', done, { once: true });
      film.addEventListener('error', failed, { once: true });
    });
    film.src = URL.createObjectURL(await answer.blob());
    await ready;
  };
  const asked = new URL(location.href).searchParams;
  state.loop = $('loop').checked = asked.get('loop') === '1';
  const begin = async () => {
    try {
      await Promise.all(films.map(load));
    } catch {
      $('told').textContent = 'A clip could not be loaded: reload the page, or choose other clips.';
      return;
    }
    await seek(Number(asked.get('t')) || 0);
    document.body.dataset.ready = 'yes';
  };
  begin();
})();
