// An API that only pretends, for the integrations page: destinations in every
// state, with their dead letters, log and accounting. What is done here is
// remembered for the page.
const minute = 60_000
const hour = 60 * minute
const ago = (ms) => new Date(Date.now() - ms).toISOString()

const attempt = (ms, seq, more = {}) => ({
  at: ago(ms),
  seq,
  type: 'attendance.record.finalized',
  try: 1,
  result: 'delivered',
  status: 200,
  took: '<1s',
  ...more,
})
const refused = (ms, seq, tries) =>
  attempt(ms, seq, {
    try: tries,
    result: 'refused',
    status: 503,
    problem: 'The receiver said that it is not available.',
  })
const key = { kind: 'hmac', fingerprint: '5f1c9a02', made: ago(30 * 24 * hour) }

const good = (more = {}) => ({
  stopped: [],
  backlog: 0,
  queued: 0,
  dead_letters: 0,
  keys: [],
  has_client_secret: false,
  ...more,
})

const rows = () => [
  {
    destination: { id: 'director', kind: 'pull', title: 'Clinical director', basis: 'internal', names: true },
    status: good({ last_disclosed: ago(26 * hour) }),
  },
  {
    destination: {
      ...{ id: 'scheduling', kind: 'webhook', title: 'Scheduling system', basis: 'qsoa' },
      url: 'https://scheduling.example.org/hooks/attendance',
    },
    status: good({ keys: [key], last_delivered: attempt(40_000, 512) }),
  },
  {
    destination: {
      ...{ id: 'ehr', kind: 'fhir', title: 'Health record', basis: 'consent_tpo', names: true },
      url: 'https://ehr.example.org/fhir/R4',
      oauth: { token_url: 'https://ehr.example.org/token', client_id: 'viop', scope: 'system/*.cruds' },
    },
    status: good({
      backlog: 14,
      queued: 14,
      oldest: ago(185 * minute),
      last_delivered: attempt(190 * minute, 498),
      last_failed: refused(4 * minute, 499, 6),
      has_client_secret: true,
    }),
  },
  {
    destination: {
      ...{ id: 'billing', kind: 'webhook', title: 'Billing service', basis: 'qsoa' },
      url: 'https://billing.example.com/viop',
    },
    status: good({
      backlog: 5,
      queued: 5,
      oldest: ago(100 * hour),
      dead_letters: 2,
      keys: [key],
      last_delivered: attempt(5 * minute, 511),
      last_failed: refused(20 * minute, 402, 10),
    }),
  },
  {
    destination: {
      ...{
        id: 'old-portal',
        kind: 'webhook',
        title: 'Old portal',
        basis: 'consent_specific',
        enabled: false,
      },
      url: 'https://portal.example.net/in',
    },
    status: good({
      ...{ stopped: ['disabled'], backlog: 31, queued: 1, oldest: ago(50 * hour), keys: [key] },
      last_delivered: attempt(60 * hour, 401),
      last_failed: attempt(50 * hour, 402, { result: 'refused', status: 410, problem: 'Gone.' }),
    }),
  },
  {
    destination: {
      ...{ id: 'payer', kind: 'webhook', title: 'Payer portal', basis: '' },
      url: 'https://payer.example.com/in',
    },
    status: good({ stopped: ['no_basis', 'no_key'] }),
  },
]

const letters = () => [
  {
    lane: 'wed-1800-0412',
    ...refused(20 * minute, 402, 10),
    problem: 'The receiver answered 400: it does not know this appointment.',
    status: 400,
  },
  { lane: 'p4/2026-11-16', ...refused(31 * minute, 417, 10), type: 'week.at_risk' },
]

const log = () => [
  attempt(5 * minute, 511),
  refused(20 * minute, 402, 10),
  attempt(31 * minute, 417, {
    result: 'unreached',
    status: undefined,
    problem: 'No answer within 15 s.',
    took: '>=5s',
  }),
  attempt(3 * hour, 0, { type: 'viop.test', took: '<100ms' }),
]

const disclosures = () => [
  {
    ...{ seq: 1, at: ago(60 * hour), destination: 'scheduling', basis: 'qsoa', notice: 'part2-2024' },
    ...{ format: 'webhook', records: 1, items: ['wed-1800-0412/p4'] },
  },
  {
    ...{ seq: 2, at: ago(26 * hour), destination: 'director', basis: 'internal', notice: 'part2-2024' },
    ...{ format: 'csv', by: 'demo-t1', names: true, records: 12, from: '2026-11-01', to: '2026-11-30' },
  },
]

const problem = (code, status, detail, more = {}) => ({
  status,
  body: { type: `urn:viop:problem:${code}`, title: detail, status, detail, ...more },
})

const counts = { created: 0, changed: 0, moved: 0, cancelled: 0, deleted: 0, unchanged: 0 }

function imported(wrong) {
  const report = { format: 'csv', lines: [], refused: 0, documents: [], count: counts }
  if (wrong)
    return problem('import_refused', 422, 'Something is wrong with the file.', {
      report: {
        ...report,
        refused: 1,
        lines: [
          { line: 3, column: 'start', kind: 'refused', detail: 'This is no date and time.' },
          {
            line: 7,
            column: 'start',
            kind: 'note',
            detail: 'The clocks skip 2:30 that night; 3:30 is taken.',
          },
        ],
      },
    })
  const document = (line, id, what) => ({ line, kind: 'session', id, what })
  return {
    status: 200,
    body: {
      ...report,
      documents: [document(2, 'mon-1800', 'created'), document(3, 'wed-1800', 'created')],
      count: { ...counts, created: 2, unchanged: 1 },
    },
  }
}

/** A clinic with partners in every state; `none` has nobody, `forbidden` may not look. */
export function partners(state = 'some') {
  let all = state === 'none' ? [] : rows()
  let put = letters()
  const at = (id) => all.find((r) => r.destination.id === id)

  function answer(method, path, body, text = '') {
    const [, , what, id, act] = path.split('/')
    if (state === 'forbidden')
      return problem('insufficient_scope', 403, 'The token needs the scope destinations:read.')
    if (what === 'attendance.zip') return { status: 200, file: 'PK pretended' }
    if (what === 'imports') return imported(text.includes('wrong'))
    if (what === 'people') return { status: 200, body: { disclosures: id === 'p4' ? disclosures() : [] } }
    if (!id) return { status: 200, body: { destinations: all } }
    const row = at(id)
    if (method === 'PUT') {
      if (body.url?.startsWith('http://') && !body.allow_private)
        return problem('invalid', 422, 'The destination has problems.', {
          errors: [
            {
              pointer: '/url',
              detail:
                'This must begin with https://; http:// is for private addresses, which have to be allowed.',
            },
          ],
        })
      const stopped = [
        ...(body.basis ? [] : ['no_basis']),
        ...(body.enabled ? [] : ['disabled']),
        ...(body.kind === 'webhook' && !row?.status.keys.length ? ['no_key'] : []),
      ]
      const changed = { destination: body, status: { ...(row?.status ?? good()), stopped } }
      all = row ? all.map((r) => (r === row ? changed : r)) : [...all, changed]
      return { status: row ? 200 : 201, body, tag: '"2"' }
    }
    if (!row) return problem('not_found', 404, 'There is no such destination.')
    switch (act) {
      case 'dead-letters':
        return { status: 200, body: { dead_letters: row.status.dead_letters > 0 ? put : [] } }
      case 'deliveries':
        return { status: 200, body: { deliveries: row.status.last_delivered ? log() : [] } }
      case 'redrive': {
        const back = put.filter((l) => body.seq === undefined || l.seq === body.seq)
        put = put.filter((l) => !back.includes(l))
        row.status = { ...row.status, dead_letters: put.length, queued: row.status.queued + back.length }
        return { status: 200, body: { redriven: back.length } }
      }
      case 'test':
        return {
          status: 200,
          body:
            id === 'ehr'
              ? { ...refused(0, 0, 1), type: 'viop.test' }
              : { ...attempt(0, 0), type: 'viop.test', took: '<100ms' },
        }
      case 'keys': {
        const made = { ...key, fingerprint: 'c0ffee11', made: ago(0) }
        row.status = {
          ...row.status,
          keys: [made, ...row.status.keys].slice(0, 2),
          stopped: row.status.stopped.filter((s) => s !== 'no_key'),
        }
        return {
          status: 201,
          body: { key: made, secret: 'whsec_QmVzc2VyIGVpbiBTY2hsw7xzc2VsIGFscyBrZWluZXI=' },
        }
      }
      default:
        if (method !== 'DELETE') return { status: 200, body: row.destination, tag: '"1"' }
        all = all.filter((r) => r !== row)
        return { status: 204 }
    }
  }
  return { answer }
}

/** Answers the page's requests to the API. */
export async function serve(page, desk) {
  await page.route(/\/v1\/(destinations|people|attendance\.zip|fhir|imports)/, async (route) => {
    const request = route.request()
    const url = new URL(request.url())
    const { status, body, file, tag } = desk.answer(
      request.method(),
      url.pathname,
      url.pathname.startsWith('/v1/imports') ? undefined : request.postDataJSON(),
      request.postData() ?? '',
    )
    await route.fulfill({
      status,
      contentType: file ? 'application/zip' : status < 400 ? 'application/json' : 'application/problem+json',
      headers: {
        ...(tag && { etag: tag }),
        ...(file && { 'content-disposition': 'attachment; filename="attendance_2026-11-16_2026-11-22.zip"' }),
      },
      body: file ?? (body === undefined ? '' : JSON.stringify(body)),
    })
  })
}

const token = `x.${Buffer.from(JSON.stringify({ sub: 't1' })).toString('base64url')}.y`

/** What a scheduling system opens for staff. */
export const link = `#staff=${token}&page=integrations`
