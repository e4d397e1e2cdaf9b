// Every page a person meets, in the real thing: axe finds nothing, nothing
// scrolls sideways, and the pictures of the README are taken.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { faults, sideways } from './lib/axe.mjs'
import { launchChromium } from './lib/browsers.mjs'
import { ana, arrange, ben, recomputes, therapist } from './lib/clinic.mjs'
import { newServer, until } from './lib/server.mjs'

// The README's pictures are only replaced on purpose (`make shots`).
const here = dirname(fileURLToPath(import.meta.url))
const shots = process.env.VIOP_SHOTS ? join(here, 'screenshots') : join(here, '../test-results')

let server
let chromium
before(async () => {
  await mkdir(shots, { recursive: true })
  server = await newServer()
  await server.start()
  chromium = await launchChromium()
})
after(async () => {
  await chromium?.close()
  await server?.stop()
})

/** Looks at the page as it is now. */
async function look(person, what) {
  assert.deepEqual(await faults(person.page), [], `axe on ${what}`)
  assert.equal(await sideways(person.page), 0, `${what} scrolls sideways`)
}

test('every page, from the device test to the minutes', async (t) => {
  const elsewhere = new Set()
  const links = await arrange(server, 's1', [ana, ben])
  const tara = await chromium.person('Tara')
  const phone = await chromium.person('Ana', { phone: true })
  const laptop = await chromium.person('Ben')
  for (const person of [tara, phone, laptop])
    person.page.on('request', (r) => {
      const { host, protocol } = new URL(r.url())
      if (!['data:', 'blob:'].includes(protocol) && host !== new URL(server.url).host) elsewhere.add(r.url())
    })

  await t.test('an address without an invitation', async () => {
    await phone.go(server.url)
    await phone.reads('invitation')
    await look(phone, 'the page without an invitation')
  })

  await t.test('the device test', async () => {
    await phone.go(links[ana.id])
    await phone.reads('Check how you will be seen and heard')
    assert.ok(!(await phone.evaluate('location.href')).includes('#'), 'the token is out of the address bar')
    await look(phone, 'the device test, devices off')
    await tara.arrive(links[therapist.id])
    await tara.reads('In the group')
    await phone.arrive(links[ana.id])
  })

  await t.test('check-in and lobby', async () => {
    await phone.reads('A few questions first')
    await look(phone, 'the check-in')
    await phone.checkIn()
    await phone.reads('You are in the lobby')
    await phone.reads('988')
    await look(phone, 'the lobby')
    await phone.shot(join(shots, 'lobby-phone.png'))
  })

  await t.test('the therapist with somebody in the lobby', async () => {
    await tara.reads('Lobby (1)')
    await tara.reads('Private place')
    await look(tara, 'the room with a lobby')
    await tara.press('Admit Ana P.')
  })

  await t.test('the room', async () => {
    await laptop.arrive(links[ben.id])
    await laptop.checkIn()
    await tara.press('Admit Ben K.')
    for (const person of [tara, phone, laptop])
      await until(
        `${person.name} sees two others`,
        async () => (await person.movingPictures()).length === 2,
        30,
      )
    await laptop.press('Raise hand')
    await tara.reads('Hands raised')
    await until(
      'the notices are gone',
      async () => !(await tara.evaluate('!!document.querySelector(".notice")')),
      20,
    )
    await look(tara, 'the room, therapist')
    await look(phone, 'the room, phone')
    await look(laptop, 'the room, patient')
    await tara.shot(join(shots, 'room-desktop.png'))
    await phone.shot(join(shots, 'room-phone.png'))
  })

  await t.test('the therapist on a phone', async () => {
    await tara.resize(390, 664)
    await until('the layout follows', async () => (await tara.evaluate('innerWidth')) === 390)
    await look(tara, 'the room, therapist on a phone')
    await tara.resize(1280, 800)
  })

  await t.test('a break is said to all', async () => {
    await tara.press('Start a break')
    await phone.reads('break')
    await look(phone, 'the room on a break')
    await tara.press('End the break')
  })

  await t.test('the end', async () => {
    await tara.press('End for all')
    await tara.reads('End the group for everybody?')
    await look(tara, 'the question before the end')
    await tara.press('End for all')
    await tara.reads('Ana P.')
    await phone.reads('The group has ended')
    await look(phone, 'the end, patient')
    await phone.shot(join(shots, 'end-phone.png'))
  })

  await t.test('the review: signed, corrected with a reason, and signed again', async () => {
    const { page } = tara
    const button = (name) => page.getByRole('button', { name, exact: true })
    await button('Sign version 1 …').click({ timeout: 30_000 })
    await look(tara, 'what is signed')
    await button('Sign version 1').click()
    await page.getByText('Everything is signed.').waitFor()
    await look(tara, 'the review')

    await button('Correct Ana P.').click()
    await page.getByRole('radio', { name: /^Set the status/ }).check()
    await page.getByLabel('Status', { exact: true }).selectOption('excused')
    await page.getByLabel('Why?').selectOption('device_failure')
    await button('Go on').click()
    await button('Keep this correction').click()
    await page.getByRole('heading', { name: 'Ana P.: version 1 and version 2' }).waitFor()
    await look(tara, 'an amended record beside what was signed')
    await button('Sign version 2 …').click()
    await button('Sign version 2').click()
    await page.getByText('Everything is signed.').waitFor()

    const sheet = await server.api('GET', '/v1/sessions/s1/attendance')
    assert.deepEqual(
      sheet.records.map((r) => [r.person, r.version, r.state, r.status]),
      [
        ['p1', 2, 'signed', 'excused'],
        ['p2', 1, 'signed', 'attended'],
      ],
    )
    await recomputes(server, 's1')
  })

  assert.deepEqual([...elsewhere], [], 'no request to anybody else')
})
