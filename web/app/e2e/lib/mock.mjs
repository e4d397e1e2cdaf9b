// A server that only pretends: the built client is served under the policy of
// the real one, and each scene is told to the page as frames. It shows every
// page in every state without a room, a database or a second person.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const dist = fileURLToPath(new URL('../../../dist/', import.meta.url))
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

/** What the real server sends with every page; a violation fails the test. */
export const policy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
  "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Serves web/dist on a free port of the loopback. */
export async function servePages() {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://x').pathname
    try {
      const file = path === '/' ? 'index.html' : path.slice(1)
      if (file.includes('..')) throw new Error('outside')
      const body = await readFile(join(dist, file))
      response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
      response.end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  // Set on every answer, also on the 404 of a favicon.
  server.prependListener('request', (_, response) => response.setHeader('content-security-policy', policy))
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () =>
      new Promise((done) => {
        server.close(done)
        server.closeAllConnections() // the browser keeps its own open
      }),
  }
}

const minute = 60_000
const names = [
  'Dana Whitfield',
  'Ana P.',
  'Ben K.',
  'Chidi O.',
  'Elena R.',
  'Farid M.',
  'Grace L.',
  'Hannah S.',
  'Ivan T.',
  'Joy N.',
  'Kofi A.',
  'Lena W.',
]

function person(n, more = {}) {
  return {
    rev: 1,
    handle: `m${n}`,
    name: names[n - 1] ?? `Person ${n}.`,
    role: n === 1 ? 'facilitator' : 'patient',
    state: 'active',
    room: 'main',
    mic: n % 3 !== 0,
    camera: false,
    screen: false,
    muted: false,
    hand: false,
    ...more,
  }
}

const room = (more = {}) => ({
  rev: 1,
  state: 'live',
  locked: false,
  on_break: false,
  start: Date.now() - 20 * minute,
  end: Date.now() + 160 * minute,
  storage: 'ok',
  ...more,
})

/** A full group in all the states a tile can be in. */
const group = () => [
  person(1),
  person(2, { mic: true }),
  person(3, { hand: true, hand_since: Date.now() - minute }),
  person(4),
  person(5, { state: 'reconnecting' }),
  person(6, { muted: true, mic: false }),
  person(7, { name: 'Guadalupe-Alexandrina M.' }),
  person(8),
  person(9, { state: 'admitted' }),
  person(10, { role: 'interpreter' }),
  person(11, { mic: true }),
  person(12),
]

const answers = {
  private: true,
  headphones: false,
  ground_rules: true,
  others_present: true,
  location: '48 Alder Street, Spokane, WA',
  call_back: '+1 509 555 0142',
}

const lobby = () => [
  person(13, {
    name: 'Maya D.',
    state: 'waiting',
    room: '',
    mic: false,
    waiting_since: Date.now() - 5 * minute,
    check_in: answers,
  }),
  person(14, {
    name: 'Noah B.',
    state: 'waiting',
    room: '',
    mic: false,
    waiting_since: Date.now() - 40_000,
    check_in: { private: true, headphones: true, ground_rules: true, others_present: false },
  }),
]

const week = {
  credited_ms: 360 * minute,
  min_ms: 540 * minute,
  need_ms: 180 * minute,
  credited_text: '6 h 00 m',
  min_text: '9 h',
  need_text: '3 h',
  sessions_left: 1,
  verdict: 'on_track',
}

const row = (n, credited, more = {}) => ({
  handle: `m${n}`,
  name: names[n - 1],
  role: n === 1 ? 'facilitator' : 'patient',
  status: 'attended',
  credited_ms: credited * minute,
  connected_ms: (credited + 10) * minute,
  lobby_ms: 3 * minute,
  bridged_ms: 0,
  lost: [{ why: 'break', ms: 10 * minute, text: '10 m' }],
  credited_text: `${Math.floor(credited / 60)} h ${String(credited % 60).padStart(2, '0')} m`,
  ...more,
})

const minutes = (final) => ({
  as_of: Date.now(),
  final,
  rows: [
    row(2, 170),
    row(3, 151, {
      labels: ['late'],
      lost: [
        { why: 'break', ms: 10 * minute, text: '10 m' },
        { why: 'outside_window', ms: 4 * minute, text: '4 m' },
      ],
    }),
    row(4, 168, {
      labels: ['bridged'],
      lost: [
        { why: 'break', ms: 10 * minute, text: '10 m' },
        { why: 'no_facilitator', ms: 45_000, text: '45 s' },
      ],
    }),
    row(5, 0, {
      status: 'lobby_only',
      connected_ms: 0,
      lobby_ms: 12 * minute,
      lost: [],
      credited_text: '0 m',
    }),
    row(6, 0, { status: 'no_show', connected_ms: 0, lobby_ms: 0, lost: [], credited_text: '0 m' }),
  ],
})

const welcome = (role, more = {}) => ({
  t: 'welcome',
  d: {
    version: 1,
    session: 'wed-1800',
    handle: role === 'facilitator' ? 'm1' : 'm2',
    role,
    name: role === 'facilitator' ? names[0] : names[1],
    resume_token: 'r',
    resume_window_ms: 120_000,
    slots: { audio: 2, video: 2 },
    server_time: Date.now(),
    durable: true,
    ...more,
  },
})

const snapshot = (you, people, more) => ({
  t: 'snapshot',
  seq: 1,
  d: { room: room(more), you, people, slots: [] },
})
const speaking = { t: 'speakers', d: { levels: [{ handle: 'm11', level: 110 }] } }
const bye = (code, more = {}) => ({ t: 'bye', d: { code, message: '', retry: 'none', ...more } })

/**
 * The scenes by name: what the server says to a hello. `devices` and
 * `no_invite` never say hello. `does` is pressed before the page is looked at.
 */
export const scenes = {
  no_invite: { token: false, frames: () => [] },
  devices: { stay: true, press: ['Microphone: turn on'], frames: () => [] },
  check_in: {
    frames: () => [
      welcome('patient', { check_in: true }),
      snapshot('m2', [person(2, { state: 'waiting', room: '' })]),
    ],
  },
  lobby: {
    frames: () => [
      welcome('patient'),
      snapshot('m2', [person(2, { state: 'waiting', room: '', waiting_since: Date.now() - 4 * minute })]),
    ],
  },
  not_open: { frames: () => [bye('room_not_open', { retry: 'retry', retry_after_ms: 15_000 })] },
  locked: { frames: () => [bye('room_locked', { retry: 'retry', retry_after_ms: 15_000 })] },
  denied: { frames: () => [bye('denied')] },
  removed: { frames: () => [bye('removed')] },
  room: {
    repeat: speaking,
    frames: () => [
      welcome('patient'),
      snapshot('m2', group()),
      { t: 'minutes_report', seq: 2, d: { as_of: Date.now(), rows: [row(2, 20)], week } },
    ],
  },
  room_held: {
    frames: () => [welcome('patient', { durable: false }), snapshot('m2', [person(2)], { state: 'held' })],
  },
  room_shared: {
    repeat: speaking,
    frames: () => [
      welcome('patient'),
      snapshot('m2', [person(1, { screen: true }), ...group().slice(1)], {
        on_break: true,
        break_since: Date.now() - 3 * minute,
      }),
    ],
  },
  room_help: { press: ['Private help'], frames: () => [welcome('patient'), snapshot('m2', group())] },
  room_settings: { press: ['Settings'], frames: () => [welcome('patient'), snapshot('m2', group())] },
  therapist: {
    repeat: speaking,
    frames: () => [
      welcome('facilitator'),
      snapshot(
        'm1',
        [...group().slice(0, 7), ...lobby()].map((p) => (p.handle === 'm4' ? { ...p, help: true } : p)),
        {
          locked: true,
        },
      ),
    ],
  },
  therapist_panel: {
    open: true,
    press: ['What you can do for Ben K.'],
    frames: () => [
      welcome('facilitator'),
      snapshot('m1', [...group().slice(0, 7), ...lobby()], { storage: 'behind' }),
    ],
  },
  therapist_end: {
    open: true,
    press: ['End for all'],
    frames: () => [welcome('facilitator'), snapshot('m1', group())],
  },
  closing: {
    frames: () => [
      welcome('facilitator'),
      snapshot('m1', [person(1)], { state: 'ended' }),
      { t: 'minutes_report', seq: 2, d: minutes(false) },
    ],
  },
  ended: {
    frames: () => [
      welcome('patient'),
      snapshot('m2', [person(2)], { state: 'ended' }),
      { t: 'minutes_report', seq: 2, d: { as_of: Date.now(), final: true, rows: [row(2, 170)], week } },
    ],
  },
}

const invite = (role) =>
  `x.${Buffer.from(JSON.stringify({ role, name: role === 'facilitator' ? names[0] : names[1] })).toString('base64url')}.y`

/** Brings a Playwright page into a scene. */
export async function show(page, url, name) {
  const scene = scenes[name]
  await page.routeWebSocket(/\/v1\/ws/, (socket) => {
    socket.onMessage((text) => {
      const { t, id } = JSON.parse(text)
      if (t === 'hello') {
        for (const frame of scene.frames()) socket.send(JSON.stringify(frame))
        const again =
          scene.repeat && setInterval(() => socket.send(JSON.stringify(scene.repeat)), 400).unref()
        socket.onClose(() => clearInterval(again))
      } else if (id !== undefined && t !== 'minutes') {
        socket.send(JSON.stringify({ t: 'result', id, d: {} }))
      }
    })
  })
  const role = name.startsWith('therapist') || name === 'closing' ? 'facilitator' : 'patient'
  await page.goto(scene.token === false ? url : `${url}#t=${invite(role)}`)
  if (scene.token === false) return
  if (!scene.stay) await page.getByRole('button', { name: 'Continue' }).click()
  const people = page.getByRole('button', { name: /^People/ })
  if (scene.open && (await people.getAttribute('aria-expanded')) === 'false') await people.click()
  for (const label of scene.press ?? []) await page.getByRole('button', { name: label, exact: true }).click()
}
