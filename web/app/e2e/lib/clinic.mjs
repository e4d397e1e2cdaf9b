// A clinic for one test: a program, a therapist, patients, and one session
// that has just begun, put in by the API as a scheduling system would.
import assert from 'node:assert/strict'
import { at, until } from './server.mjs'

export const therapist = { id: 't1', role: 'facilitator', name: 'Tara L.' }
export const ana = { id: 'p1', role: 'patient', name: 'Ana P.' }
export const ben = { id: 'p2', role: 'patient', name: 'Ben K.' }
export const cleo = { id: 'p3', role: 'patient', name: 'Cleo M.' }

/** Arranges the session and gives the invitations: one link for each person. */
export async function arrange(server, session, patients) {
  await server.api('PUT', '/v1/programs/adult', { timezone: 'America/Chicago' })
  for (const { id, ...person } of [therapist, ...patients])
    await server.api('PUT', `/v1/people/${id}`, person)
  await server.api('PUT', `/v1/sessions/${session}`, {
    program: 'adult',
    service: 'group',
    scheduled_start: at(-60_000),
    scheduled_end: at(3 * 3_600_000),
    roster: patients.map((p) => p.id),
    facilitators: [therapist.id],
  })
  const links = {}
  for (const { id } of [therapist, ...patients])
    links[id] = (await server.api('POST', `/v1/sessions/${session}/invites`, { person: id })).url
  return links
}

/** The records of a session as a map from person to theirs. */
export async function minutes(server, session) {
  const { records } = await server.api('GET', `/v1/sessions/${session}/attendance`)
  return Object.fromEntries(records.map((record) => [record.person, record]))
}

/**
 * A stopwatch for what ought to be credited: the test starts and stops it
 * when it sees, from the outside, that somebody is in and that they are not.
 */
export class Stopwatch {
  #total = 0
  #since = null
  start() {
    this.#since ??= Date.now()
  }
  stop() {
    if (this.#since !== null) this.#total += Date.now() - this.#since
    this.#since = null
  }
  get ms() {
    return this.#total + (this.#since === null ? 0 : Date.now() - this.#since)
  }
}

/** Does what may fail, and then says what everybody saw and the server knew. */
export async function explained(everybody, server, what) {
  try {
    return await what()
  } catch (error) {
    const told = []
    for (const person of everybody)
      told.push(
        `${person.name} reads ${JSON.stringify(await person.text())} and gets ${JSON.stringify(await person.stats())}`,
      )
    const counts = (await (await fetch(`${server.url}/metrics`)).text())
      .split('\n')
      .filter((line) => /^viop_(media|rtp|plane|keyframe|room)/.test(line))
    error.message += `\n${told.join('\n')}\n${counts.join('\n')}\n${server.log().slice(-4000)}`
    throw error
  }
}

/** Proof of life is written every beat, so no figure may be further off. */
export const beat = 5_000

/**
 * The case of a past session recomputes to the records of the API and to those
 * that were kept, byte for byte, and the chains are whole.
 */
export async function recomputes(server, session) {
  const document = await server.run(['attendance', 'case', '--session', session])
  const { records } = JSON.parse(await server.run(['attendance', 'evaluate', '-'], document))
  const own = records.filter((r) => r.session === session)
  const sheet = await server.api('GET', `/v1/sessions/${session}/attendance`)
  assert.deepEqual(
    sheet.records.map(({ hash, ...record }) => record),
    own,
  )
  for (const { hash, person } of sheet.records) {
    const kept = await until(`the record of ${person} is kept`, async () => {
      const { versions } = await server.api('GET', `/v1/sessions/${session}/attendance/${person}/versions`)
      return versions.at(-1)
    })
    assert.equal(kept.hash, hash)
    const record = own.find((r) => r.person === person)
    const { state, ...said } = record
    assert.equal(JSON.stringify(kept.record), JSON.stringify(said))
  }
  const chains = await server.run(['verify', '--session', session])
  assert.match(chains, /epoch 1 log: \d+ entries/)
  return { document: JSON.parse(document), chains }
}
