// A group meets in real browsers, and its minutes come out the other end:
// a therapist and two patients in Chromium, a third patient in Firefox.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launchChromium, launchFirefox } from './lib/browsers.mjs'
import { ana, arrange, beat, ben, cleo, minutes, recomputes, Stopwatch, therapist } from './lib/clinic.mjs'
import { newLine } from './lib/line.mjs'
import { newServer, until } from './lib/server.mjs'

let server
let chromium
let firefox
before(async () => {
  server = await newServer()
  await server.start()
  chromium = await launchChromium()
  firefox = await launchFirefox()
})
after(async () => {
  await chromium?.close()
  await firefox?.close()
  await server?.stop()
})

test('a group meets, and its minutes come out the other end', async (t) => {
  const links = await arrange(server, 's1', [ana, ben, cleo])
  const line = await newLine(server.url, server.mediaPort) // Ben's
  t.after(() => line.close())

  const tara = await chromium.person('Tara')
  const people = {
    [ana.id]: await chromium.person('Ana'),
    [ben.id]: await chromium.person('Ben', { scripts: [line.script] }),
    [cleo.id]: await firefox.person('Cleo'),
  }
  const [anaPage, benPage, cleoPage] = Object.values(people)
  const watch = { [ana.id]: new Stopwatch(), [ben.id]: new Stopwatch(), [cleo.id]: new Stopwatch() }
  const everybody = [tara, ...Object.values(people)]
  const hears = (person, n) =>
    until(`${person.name} hears ${n}`, async () => (await person.voices()) === n, 30)
  const sees = (person, names) =>
    until(
      `${person.name} sees ${names}`,
      async () => {
        const moving = await person.movingPictures()
        return names.every((name) => moving.includes(name)) || assert.deepEqual(moving, names)
      },
      30,
    )
  const presence = async () => {
    const { people: here } = await server.api('GET', '/v1/sessions/s1/presence')
    return Object.fromEntries(here.map((p) => [p.person, p.state]))
  }

  await t.test('lobby, admission', async () => {
    await tara.arrive(links[therapist.id])
    await anaPage.arrive(links[ana.id])
    await benPage.arrive(line.through(links[ben.id]))
    await cleoPage.arrive(links[cleo.id])
    for (const page of Object.values(people)) {
      await page.checkIn()
      await page.reads('You are in the lobby')
    }
    await tara.reads('Lobby (3)')
    assert.deepEqual(await anaPage.movingPictures(), [], 'the lobby sees nobody')
    await tara.press('Admit Ana P.')
    await anaPage.reads('Tara L.')
    watch[ana.id].start()
    await tara.press('Admit all')
    await benPage.reads('Tara L.')
    watch[ben.id].start()
    await cleoPage.reads('Tara L.')
    watch[cleo.id].start()
  })

  await t.test('everybody sees and hears everybody else', async () => {
    const names = [therapist, ana, ben, cleo].map((p) => p.name)
    await Promise.all(
      everybody.map(async (person, i) => {
        await sees(
          person,
          names.filter((_, k) => k !== i),
        )
        await hears(person, 3)
      }),
    )
    const { pair, srtp, offers } = await anaPage.stats()
    assert.equal(pair.protocol, 'udp')
    assert.equal(srtp, 'SRTP_AEAD_AES_128_GCM')
    assert.equal(offers, 1, 'people coming cause no further offer')
    const all = { t1: 'active', p1: 'active', p2: 'active', p3: 'active' }
    await until('presence knows, a beat later', async () => assert.deepEqual(await presence(), all) ?? true)
  })

  await t.test('server and browsers report to each other', async () => {
    for (const person of everybody)
      await until(`${person.name} is told of its streams and of those it gets`, async () => {
        const { arriving, sent } = await person.reports()
        return (arriving >= 2 && sent >= 3) || assert.deepEqual({ arriving, sent }, { arriving: 2, sent: 3 })
      })
    const counts = await (await fetch(`${server.url}/metrics`)).text()
    for (const way of ['in', 'out'])
      assert.match(counts, new RegExp(`^viop_plane_rtcp_${way}_total [1-9]`, 'm'))
    assert.match(counts, /^viop_plane_dropped_total\{why="forged"\} 0$/m)
  })

  await t.test('mute is enforced by the server, not asked of the page', async () => {
    await tara.press('What you can do for Ana P.')
    await tara.press('Mute')
    // A page that does not obey: it goes on sending.
    await anaPage.evaluate(`(() => {
      const disobey = () => window.peers.at(-1).getSenders().forEach((s) => { if (s.track) s.track.enabled = true; });
      window.disobedience = setInterval(disobey, 20);
    })()`)
    await until('Ben gets two voices', async () => (await benPage.streams()) === 2)
    const before = (await anaPage.stats()).sent.find((s) => s.kind === 'audio').packets
    await until(
      'Ana still sends',
      async () => (await anaPage.stats()).sent.find((s) => s.kind === 'audio').packets > before + 20,
    )
    assert.equal(await benPage.streams(), 2)
    await anaPage.evaluate('clearInterval(window.disobedience)')
    await anaPage.press('Microphone is off: unmute')
    await hears(benPage, 3)
  })

  await t.test('a reload is the same person in the same seat', async () => {
    const handle = (await tara.evaluate('document.body.innerText')).match(/In the group \((\d)\)/)?.[1]
    assert.equal(handle, '4')
    await anaPage.reload()
    await anaPage.reads('Tara L.', 30)
    await sees(tara, ['Ana P.'])
    await tara.reads('In the group (4)')
    await tara.reads('Nobody is waiting.')
  })

  await t.test('twenty seconds without a network are bridged', async () => {
    line.cut()
    const cut = Date.now()
    await tara.reads('Reconnecting', 15)
    await until('presence knows', async () => (await presence()).p2 === 'reconnecting', 5)
    await until('twenty seconds are over', () => Date.now() - cut > 20_000, 25)
    line.mend()
    await sees(tara, ['Ben K.'])
    await sees(benPage, ['Tara L.'])
    await tara.reads('Nobody is waiting.')
  })

  await t.test('leaving and coming back', async () => {
    await cleoPage.press('Leave')
    await cleoPage.reads('Leave the group?')
    await cleoPage.press('Leave')
    watch[cleo.id].stop()
    await tara.reads('In the group (3)')
    const left = Date.now()
    await until('Cleo has been away for ten seconds', () => Date.now() - left > 10_000)
    await cleoPage.go('about:blank')
    await cleoPage.arrive(links[cleo.id])
    await until('Cleo is in again', async () => (await presence()).p3 === 'active', 30)
    watch[cleo.id].start()
    await sees(tara, ['Cleo M.'])
  })

  await t.test('the end, and the minutes', async () => {
    for (const w of Object.values(watch)) w.stop()
    await tara.press('End for all')
    await tara.reads('End the group for everybody?')
    await tara.press('End for all')
    await tara.reads('The group has ended')
    for (const patient of [ana, ben, cleo]) await tara.reads(patient.name)
    for (const page of Object.values(people)) await page.reads('The group has ended')

    const rows = await minutes(server, 's1')
    for (const { id, name } of [ana, ben, cleo]) {
      const off = Number(rows[id].credited_ms) - watch[id].ms
      t.diagnostic(`${name}: credited ${rows[id].credited_ms} ms, the stopwatch says ${watch[id].ms} ms`)
      assert.ok(Math.abs(off) <= beat, `${name} is ${off} ms off`)
      assert.equal(rows[id].status, 'attended')
    }
    assert.ok(Number(rows[ben.id].bridged_ms) > 15_000, `Ben's gap was bridged: ${rows[ben.id].bridged_ms}`)
    assert.ok(Number(rows[ana.id].bridged_ms) < 10_000, 'a reload is short')
    assert.equal(rows[cleo.id].bridged_ms, 0, 'who leaves is not bridged')
  })

  await t.test('case | evaluate gives the numbers of the API, and what is kept', async () => {
    await recomputes(server, 's1')
  })

  await t.test('no name and no token in the log', () => {
    for (const secret of [
      'Ana P.',
      'Tara',
      'Springfield',
      'Elm Street',
      'eyJ',
      'a=candidate',
      `127.0.0.1:${server.mediaPort}`,
    ])
      assert.ok(!server.log().includes(secret), `the log holds ${secret}`)
  })
})
