// What breaks, and what must not: the server dies in mid-session, Redis dies
// in mid-session. People stay where they are and no minute is lost or made up.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launchChromium } from './lib/browsers.mjs'
import {
  ana,
  arrange,
  beat,
  ben,
  explained,
  minutes,
  recomputes,
  Stopwatch,
  therapist,
} from './lib/clinic.mjs'
import { newRedis, newServer, until } from './lib/server.mjs'

let chromium
before(async () => {
  chromium = await launchChromium()
})
after(() => chromium?.close())

/** A therapist and two patients who see each other, and stopwatches that run. */
async function meet(t, server) {
  const links = await arrange(server, 's1', [ana, ben])
  const tara = await chromium.person('Tara')
  const patients = [await chromium.person('Ana'), await chromium.person('Ben')]
  const everybody = [tara, ...patients]
  t.after(() => Promise.all(everybody.map((person) => person.close())))
  await tara.arrive(links[therapist.id])
  await patients[0].arrive(links[ana.id])
  await patients[1].arrive(links[ben.id])
  for (const patient of patients) await patient.checkIn()
  await tara.reads('Lobby (2)')
  await tara.press('Admit all')
  const watch = new Stopwatch() // both are admitted at once
  for (const patient of patients) await patient.reads('Tara L.')
  watch.start()
  await allSee(everybody, server)
  return { tara, patients, everybody, watch }
}

const allSee = (everybody, server) =>
  explained(everybody, server, () =>
    Promise.all(
      everybody.map((person) =>
        until(`${person.name} sees two others`, async () => (await person.movingPictures()).length === 2, 30),
      ),
    ),
  )

async function end(tara, watch) {
  watch.stop()
  await tara.press('End for all')
  await tara.reads('End the group for everybody?')
  await tara.press('End for all')
  await tara.reads('The group has ended')
}

/** Both patients' rows, checked against the stopwatch. */
async function compare(t, server, watch, slack) {
  const rows = await minutes(server, 's1')
  for (const { id, name } of [ana, ben]) {
    t.diagnostic(`${name}: credited ${rows[id].credited_ms} ms, the stopwatch says ${watch.ms} ms`)
    assert.ok(
      Math.abs(Number(rows[id].credited_ms) - watch.ms) <= slack,
      `${name} is more than ${slack} ms off`,
    )
  }
  return rows
}

test('the server is killed in mid-session: everybody is back without a click, to within one beat', async (t) => {
  const server = await newServer()
  await server.start()
  t.after(() => server.stop())
  const { tara, everybody, watch } = await meet(t, server)

  const started = Date.now()
  await until('a few beats are over', () => Date.now() - started > 2 * beat + 1_000)
  await server.kill()
  const killed = Date.now()
  await server.start()
  await allSee(everybody, server)
  t.diagnostic(`everybody sees everybody ${Date.now() - killed} ms after the kill`)
  assert.ok(!(await tara.text()).includes('Admit'), 'nobody waits in the lobby again')
  for (const person of everybody)
    assert.ok(!(await person.text()).includes('Continue'), `${person.name} had nothing to click`)

  const { people } = await server.api('GET', '/v1/sessions/s1/presence')
  assert.equal(
    people.filter((p) => p.state === 'active').length,
    3,
    'presence is of the new life of the server',
  )
  await end(tara, watch)
  const rows = await compare(t, server, watch, beat)
  assert.ok(Number(rows[ana.id].bridged_ms) > 0, 'the gap is in the record, and bridged')
  const { chains } = await recomputes(server, 's1')
  assert.match(chains, /epoch 2 log/)
})

test('Redis is killed for thirty seconds: media never stops, and nothing is missing afterwards', async (t) => {
  const redis = await newRedis()
  const server = await newServer({ redisURL: redis.url })
  t.after(async () => {
    await server.stop() // before its Redis, or it would wait for it
    await redis.stop()
  })
  await redis.start()
  await server.start()
  const { tara, patients, everybody, watch } = await meet(t, server)

  await redis.kill()
  const killed = Date.now()
  const frames = async (person) =>
    (await person.stats()).received.reduce((sum, s) => sum + s.framesDecoded, 0)
  let before = await Promise.all(everybody.map(frames))
  while (Date.now() - killed < 30_000) {
    const wait = Date.now()
    await until('two seconds are over', () => Date.now() - wait > 2_000)
    const now = await Promise.all(everybody.map(frames))
    for (const [i, person] of everybody.entries())
      assert.ok(now[i] > before[i], `${person.name} gets pictures while Redis is away`)
    before = now
    // Something happens that must not be lost.
    if (Date.now() - killed > 10_000 && !(await patients[0].text()).includes('Lower hand'))
      await patients[0].press('Raise hand')
  }
  await redis.start()
  await until(
    'the evidence has been written',
    async () => (await server.api('GET', '/v1/sessions/s1/presence')).people.length === 3,
  )
  await allSee(everybody, server)
  await end(tara, watch)
  await compare(t, server, watch, beat)
  const { document } = await recomputes(server, 's1')
  assert.equal(new Set(document.events.map((e) => e.epoch)).size, 1, 'the room was never given up')
})
