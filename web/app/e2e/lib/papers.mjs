// An API that only pretends, for the pages of records: one evening of a group
// with everything that can become of a minute, and a program's week with every
// verdict. What is corrected and signed here is remembered for the page.
const minute = 60_000
const start = Date.parse('2026-11-19T00:00:00Z') // Wednesday, 6 PM in Chicago
const zone = 'America/Chicago'
const session = 'wed-1800'
const iso = (minutes) => new Date(start + Math.round(minutes * minute)).toISOString()
const hash = (letter) => letter.repeat(64)
const provenance = { evaluator: '0.3.0', tzdata: '2026a' }

const people = [
  { person: 'p1', name: 'Ana P.' },
  { person: 'p2', name: 'Ben K.' },
  { person: 'p3', name: 'Chidi O.' },
  { person: 'p4', name: 'Elena R.' },
  { person: 'p5', name: 'Farid M.' },
  { person: 'p6', name: 'Grace L.' },
  { person: 'p7', name: 'Guadalupe-Alexandrina M.' },
  { person: 'p8', name: 'Ivan T.' },
]
const facilitators = [{ person: 't1', name: 'Dana Whitfield' }]

// Each evening is a list of [rule, until which minute]; it begins 15 minutes early.
const evenings = {
  p1: [
    ['absent', -9],
    ['lobby', -1],
    ['outside_window', 0],
    ['credited', 80],
    ['break', 90],
    ['credited', 180],
    ['outside_window', 184],
    ['absent', 195],
  ],
  p2: [
    ['absent', 12],
    ['lobby', 15],
    ['credited', 61],
    ['bridged', 61.7],
    ['credited', 80],
    ['break', 90],
    ['credited', 180],
    ['absent', 195],
  ],
  p3: [
    ['absent', -4],
    ['lobby', 0],
    ['credited', 33],
    ['no_facilitator', 41],
    ['credited', 80],
    ['break', 90],
    ['credited', 140],
    ['absent', 195],
  ],
  p4: [
    ['absent', -3],
    ['lobby', 0],
    ['credited', 50],
    ['absent', 71],
    ['credited', 80],
    ['break', 90],
    ['credited', 180],
    ['absent', 195],
  ],
  p5: [
    ['absent', -2],
    ['lobby', 30],
    ['absent', 195],
  ],
  p6: [['absent', 195]],
  p7: [
    ['absent', -5],
    ['lobby', 0],
    ['credited', 80],
    ['break', 90],
    ['credited', 120],
    ['correction', 150],
    ['credited', 180],
    ['absent', 195],
  ],
  p8: [
    ['absent', -1],
    ['lobby', 0],
    ['overlap', 60],
    ['credited', 80],
    ['break', 90],
    ['credited', 180],
    ['absent', 195],
  ],
}

function spansOf(evening) {
  let from = -15
  return evening.map(([rule, until]) => {
    const span = { start: iso(from), end: iso(until), rule, ...(rule === 'credited' && { rooms: ['main'] }) }
    from = until
    return span
  })
}

function recordOf(person, spans, version, state) {
  const of = (...rules) =>
    spans
      .filter((s) => rules.includes(s.rule))
      .reduce((sum, s) => sum + Date.parse(s.end) - Date.parse(s.start), 0)
  const credited = of('credited', 'bridged', 'manual')
  const connected = of('credited', 'outside_window', 'break', 'no_facilitator', 'correction', 'overlap')
  const units = Math.floor(credited / minute / 15)
  return {
    session,
    person,
    service: 'group',
    date: '2026-11-18',
    status: credited > 0 ? 'attended' : of('lobby') > 0 ? 'lobby_only' : 'no_show',
    state,
    version,
    hash: hash(version === 1 ? 'a' : 'c'),
    labels: [
      of('bridged') > 0 && 'bridged',
      person === 'p2' && 'late',
      person === 'p3' && 'left_early',
      of('manual') > 0 && 'manual',
    ].filter(Boolean),
    connected_ms: connected,
    lobby_ms: of('lobby'),
    bridged_ms: of('bridged'),
    lost_outside_window_ms: of('outside_window'),
    lost_break_ms: of('break'),
    lost_no_facilitator_ms: of('no_facilitator'),
    lost_correction_ms: of('correction'),
    lost_overlap_ms: of('overlap'),
    manual_ms: of('manual'),
    attended_ms: credited + of('overlap'),
    credited_ms: credited,
    credited: merged(spans.filter((s) => ['credited', 'bridged', 'manual'].includes(s.rule))),
    units: {
      minute_floor: Math.floor(credited / minute),
      q15_floor: units,
      q15_cms8: units,
      q15_ceil: units,
    },
  }
}

function merged(spans) {
  const out = []
  for (const { start, end } of spans) {
    const last = out.at(-1)
    if (last && last.end === start) last.end = end
    else out.push({ start, end })
  }
  return out
}

const corrected = (evening) =>
  evening.flatMap(([rule, until]) => (rule === 'absent' && until === 71 ? [['manual', 71]] : [[rule, until]]))

const notice = '42 CFR part 2 prohibits unauthorized use or disclosure of these records.'
const kept = {
  id: 'k1',
  session,
  at: iso(200),
  by: 't1',
  op: 'remove',
  person: 'p7',
  start: iso(120),
  end: iso(150),
  reason: 'device_failure',
  note: 'The tablet was left running.',
}
const signature = { session, version: 1, by: 't1', at: iso(210), hash: hash('a'), head: hash('b') }

/** Papers of the evening: `unsigned`, `open`, `signed`, or `amended` after it. */
export function papers(state = 'unsigned') {
  let now = { state, amended: state === 'amended' }
  const refused = new Set()

  const evening = (p) => (now.amended && p === 'p4' ? corrected(evenings.p4) : evenings[p])
  const stateOf = (p) => {
    if (now.state !== 'amended') return now.state
    return p === 'p4' ? 'amended' : 'signed'
  }
  const versionOf = (p) => (now.amended && p === 'p4' ? 2 : 1)
  const record = (p) => recordOf(p, spansOf(evening(p)), versionOf(p), stateOf(p))

  function sheet() {
    const records = people.map((p) => record(p.person))
    const versions = [...new Set(records.map((r) => r.version))].map((version) => {
      const of = records.filter((r) => r.version === version)
      return {
        version,
        hash: hash(version === 1 ? 'a' : 'c'),
        state: of[0].state,
        people: of.map((r) => r.person),
      }
    })
    return {
      format: 'viop.attendance.records/1',
      as_of: iso(190),
      timezone: zone,
      notice,
      session: { session, flags: [], patients_max: 6, first_evidence: iso(-15), last_evidence: iso(184) },
      records,
      head: hash('b'),
      versions,
      stale: [],
      occupied: now.occupied ?? false,
      people,
      facilitators,
      provenance,
    }
  }

  const timeline = () => ({
    session,
    as_of: iso(190),
    timezone: zone,
    scheduled: { start: iso(0), end: iso(180) },
    start: iso(-15),
    end: iso(195),
    window: [{ start: iso(0), end: iso(180) }],
    breaks: [{ start: iso(80), end: iso(90) }],
    facilitated: [
      { start: iso(-12), end: iso(33) },
      { start: iso(41), end: iso(185) },
    ],
    people: people.map((p) => ({
      ...p,
      credited_ms: record(p.person).credited_ms,
      spans: spansOf(evening(p.person)),
    })),
    provenance,
  })

  const amendment = {
    id: 'k2',
    session,
    at: iso(230),
    by: 't1',
    op: 'add',
    person: 'p4',
    start: iso(50),
    end: iso(71),
    reason: 'phone_participation',
  }
  const corrections = () => (now.amended ? [kept, amendment] : [kept])
  const signatures = () =>
    now.state === 'unsigned' || now.state === 'open'
      ? []
      : [
          signature,
          ...(now.state === 'signed' && now.amended
            ? [{ ...signature, version: 2, at: iso(240), hash: hash('c') }]
            : []),
        ]

  function versions(person) {
    const before = recordOf(person, spansOf(evenings[person]), 1, 'signed')
    const first = {
      version: 1,
      hash: hash('a'),
      as_of: iso(190),
      head: hash('b'),
      record: before,
      signatures: [signature],
    }
    const second = {
      version: 2,
      hash: hash('c'),
      as_of: iso(230),
      head: hash('b'),
      record: record(person),
      signatures: [],
    }
    return { session, person, versions: now.amended && person === 'p4' ? [first, second] : [first] }
  }

  function explain(person, at) {
    const span = spansOf(evening(person)).find((s) => at < Date.parse(s.end))
    const line = (seq, minutes, type, more = {}) => ({ epoch: 1, seq, at: iso(minutes), type, ...more })
    const facts = {
      bridged: [
        line(41, 61, 'lost', { connection: 'c1-2' }),
        line(44, 61.7, 'admitted', { person, connection: 'c1-7', room: 'main' }),
      ],
      no_facilitator: [
        line(30, 33, 'lost', { connection: 'c1-1' }),
        line(36, 41, 'admitted', { person: 't1', connection: 'c1-6', room: 'main' }),
      ],
      lobby: [line(5, -4, 'waiting', { person, connection: 'c1-3' })],
      absent: [],
    }
    return {
      session,
      person,
      at: new Date(at).toISOString(),
      as_of: iso(190),
      credited: ['credited', 'bridged', 'manual'].includes(span.rule),
      span,
      text: steps(span.rule)
        .map((s) => s.text)
        .join(' '),
      steps: steps(span.rule),
      evidence: facts[span.rule] ?? [
        line(8, 0, 'admitted', { person, connection: 'c1-3', room: 'main' }),
        line(52, 90, 'seen', { connection: 'c1-3' }),
        line(77, 180, 'left', { connection: 'c1-3', reason: 'leave' }),
      ],
      corrections: span.rule === 'correction' ? ['k1'] : [],
      provenance,
    }
  }

  const problem = (code, status, detail, more = {}) => ({
    status,
    body: { type: `urn:viop:problem:${code}`, title: detail, status, detail, ...more },
  })

  /** What the API says to a request. */
  function answer(method, path, query, body) {
    const [, , , , what, who, deep] = path.split('/')
    if (method === 'POST' && what === 'corrections') {
      if (body.op === 'cancel_break')
        return problem('nothing_changes', 409, 'The correction would change nothing.')
      now = { state: now.state === 'unsigned' ? 'unsigned' : 'amended', amended: true }
      return { status: 201, body: sheet() }
    }
    if (method === 'POST' && what === 'signatures') {
      if (now.conflict && !refused.has('sign')) {
        refused.add('sign')
        now = { state: 'unsigned', amended: true }
        return problem('not_current', 409, 'The records are not what was read.', {
          current: { version: 2, hash: hash('c'), head: hash('d') },
        })
      }
      now = { ...now, state: 'signed' }
      return { status: 201, body: sheet() }
    }
    if (what === 'timeline') return { status: 200, body: timeline() }
    if (what === 'corrections') return { status: 200, body: { corrections: corrections() } }
    if (what === 'signatures') return { status: 200, body: { signatures: signatures() } }
    if (what === 'weeks') return { status: 200, body: weeks(query.get('week')) }
    if (deep === 'versions') return { status: 200, body: versions(who) }
    if (deep === 'explain') return { status: 200, body: explain(who, Date.parse(query.get('at'))) }
    return { status: 200, body: sheet() }
  }
  return {
    answer,
    /** People are in the room, or have left it. */
    occupied: (occupied) => {
      now = { ...now, occupied }
    },
    /** The next signature finds that the records have changed. */
    conflict: () => {
      now = { ...now, conflict: true }
    },
  }
}

const order = [
  'lobby',
  'absent',
  'bridged',
  'no_facilitator',
  'outside_window',
  'break',
  'correction',
  'overlap',
]
const sets = ['C', 'C', 'R', 'F', 'W', 'B', 'A', 'K']
const passed = {
  C: 'The person was connected, in main.',
  F: 'A facilitator was connected in the same room.',
  W: 'It lies within the scheduled time.',
  B: 'There was no break.',
}

// The rules up to the one that decided, as the server lists them.
function steps(rule) {
  const decided = sets[order.indexOf(rule)] ?? 'B'
  const before = Object.entries(passed).filter(([set]) => 'CRFWBAK'.indexOf(set) < 'CRFWBAK'.indexOf(decided))
  const text = words[rule] ?? passed.B
  return [
    ...before.map(([set, text]) => ({ set, holds: true, text })),
    { set: decided, holds: ['credited', 'bridged', 'manual'].includes(rule), text },
  ]
}

const words = {
  bridged:
    'The connection was lost at 7:01 PM and was back 42 seconds later. The program bridges up to 60 seconds.',
  no_facilitator: 'Connected to the group, but no facilitator was connected from 6:33 PM to 6:41 PM.',
  lobby: 'In the lobby, waiting to be let in. Time in the lobby is not counted.',
  break: 'Connected during the scheduled break from 7:20 PM to 7:30 PM.',
  outside_window: 'Connected outside of the scheduled time, 6:00 PM to 9:00 PM.',
  overlap: 'Credited in the individual session that began at 5:45 PM.',
  correction: 'Taken out by a correction: a device or browser failed.',
  absent: 'No connection of this person is in the evidence for this instant.',
  manual: 'Added by a correction: took part by phone.',
}

function weeks(asked) {
  const first = asked && asked < '2026-11-16' ? '2026-11-09' : '2026-11-16'
  const week = (person, name, verdict, credited, more = {}) => {
    const left = more.sessions_left ?? 1
    const remaining = (more.remaining ?? left * 180) * minute
    const need = Math.max(0, 540 * minute - credited * minute)
    return {
      person,
      name,
      week: first,
      start: '2026-11-16T06:00:00Z',
      end: '2026-11-23T06:00:00Z',
      profile: 'generic_adult',
      days: [],
      credited_ms: credited * minute,
      scheduled_ms: 540 * minute,
      measured_ms: credited * minute,
      qualifying_days: more.days ?? Math.floor(credited / 180),
      need_ms: need,
      days_need: more.days_need ?? Math.max(0, 3 - Math.floor(credited / 180)),
      remaining_ms: remaining,
      possible_days: left,
      slack_ms: (credited - 540) * minute + remaining,
      verdict,
      over_max: false,
      engaged: null,
      min_ms: 540 * minute,
      max_ms: 1140 * minute,
      sessions_left: left,
      ...more.week,
    }
  }
  return {
    program: 'iop-evening',
    week: first,
    as_of: '2026-11-19T14:05:00Z',
    timezone: zone,
    provenance,
    weeks:
      first !== '2026-11-16'
        ? []
        : [
            week('p1', 'Ana P.', 'on_track', 360, {
              sessions_left: 2,
              remaining: 360,
              days: 2,
              days_need: 1,
            }),
            week('p2', 'Ben K.', 'cannot_meet', 342, { days: 1, days_need: 2 }),
            week('p3', 'Chidi O.', 'met', 550, { sessions_left: 0, days: 3, days_need: 0 }),
            week('p4', 'Elena R.', 'at_risk', 360, { days: 2, days_need: 1 }),
            week('p5', 'Farid M.', 'partial_week', 180, { days: 1 }),
            week('p6', 'Grace L.', 'not_met', 415, { sessions_left: 0, days: 2, days_need: 1 }),
            week('p7', 'Guadalupe-Alexandrina M.', 'at_risk', 370, { remaining: 180, days: 2, days_need: 1 }),
            week('p8', 'Ivan T.', 'no_minimum', 95, {
              days: 1,
              days_need: 0,
              sessions_left: 1,
              week: { min_ms: null, max_ms: null, need_ms: null, slack_ms: null },
            }),
            week('p9', 'Joy N.', 'at_risk', 342, {
              remaining: 198,
              days: 1,
              days_need: 0,
              week: { qualifying_days: 3 },
            }),
          ],
  }
}

/** Answers the page's requests to the API. */
export async function serve(page, desk) {
  await page.route(/\/v1\/(sessions|programs)\//, async (route) => {
    const request = route.request()
    const url = new URL(request.url())
    const { status, body } = desk.answer(
      request.method(),
      url.pathname,
      url.searchParams,
      request.postDataJSON(),
    )
    await route.fulfill({
      status,
      contentType: status < 400 ? 'application/json' : 'application/problem+json',
      body: JSON.stringify(body),
    })
  })
}

const token = `x.${Buffer.from(JSON.stringify({ sub: 't1' })).toString('base64url')}.y`

/** What a scheduling system opens for staff. */
export const links = {
  review: `#staff=${token}&session=${session}`,
  cohort: `#staff=${token}&program=iop-evening`,
}
