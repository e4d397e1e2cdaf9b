// The integrations page against the real binary: a webhook whose receiver
// fails is seen to be behind, is sent to again, and has everything; a download
// is the archive that it says it is.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { after, before, it } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { faults } from './lib/axe.mjs'
import { at, newServer } from './lib/server.mjs'

let server
let receiver
let browser
before(async () => {
  server = await newServer()
  await server.start()
  receiver = await newReceiver()
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
})
after(async () => {
  await browser?.close()
  await receiver?.close()
  await server?.stop()
})

/** Somebody who gets webhooks, and refuses them until told otherwise. */
async function newReceiver() {
  const got = []
  let works = false
  const http = createServer(async (request, response) => {
    const parts = []
    for await (const part of request) parts.push(part)
    const body = Buffer.concat(parts).toString()
    if (works) got.push({ headers: request.headers, body })
    response.writeHead(works ? 204 : 503).end()
  })
  await new Promise((done) => http.listen(0, '127.0.0.1', done))
  return {
    got,
    url: `http://127.0.0.1:${http.address().port}/hooks`,
    recover: () => {
      works = true
    },
    close: () =>
      new Promise((done) => {
        http.close(done)
        http.closeAllConnections()
      }),
  }
}

/** The files of a ZIP, by its directory. */
function unzip(zip) {
  const files = {}
  let at = zip.readUInt32LE(zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1')) + 16)
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const [method, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)]
    const [name, extra, comment] = [28, 30, 32].map((o) => zip.readUInt16LE(at + o))
    const local = zip.readUInt32LE(at + 42)
    const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const packed = zip.subarray(data, data + size)
    files[zip.toString('utf8', at + 46, at + 46 + name)] = method === 8 ? inflateRawSync(packed) : packed
    at += 46 + name + extra + comment
  }
  return files
}

/** Two patients of a group that was over an hour ago, and to which nobody came. */
async function arrange() {
  const hour = 3_600_000
  await server.api('PUT', '/v1/programs/iop', { timezone: 'America/Chicago' })
  await server.api('PUT', '/v1/people/t1', { role: 'facilitator', name: 'Tara L.' })
  for (const [id, name] of [
    ['p1', 'Ana P.'],
    ['p2', 'Ben K.'],
  ])
    await server.api('PUT', `/v1/people/${id}`, { role: 'patient', name })
  await server.api('PUT', '/v1/sessions/s1', {
    ...{ program: 'iop', service: 'group', roster: ['p1', 'p2'], facilitators: ['t1'] },
    ...{ scheduled_start: at(-3 * hour), scheduled_end: at(-hour) },
  })
}

it('a receiver that failed has everything in the end, and a download is what it says', async (t) => {
  const context = await browser.newContext({
    ...{ viewport: { width: 1280, height: 800 }, locale: 'en-US', timezoneId: 'America/Chicago' },
    ...{ reducedMotion: 'reduce', acceptDownloads: true },
  })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const complaints = []
  page.on('pageerror', (e) => complaints.push(String(e)))
  page.on('console', (m) => /Content.Security.Policy/i.test(m.text()) && complaints.push(m.text()))
  const button = (name) => page.getByRole('button', { name, exact: true })
  const card = page.locator('.destination').filter({ hasText: 'Scheduling' })
  const state = (text) => card.locator('.chip').getByText(text, { exact: true })
  let secret

  await t.test('a webhook is put in, with its key', async () => {
    const token = (await server.run(['token', '--person', 't1', '--scope', 'all'])).trim()
    await page.goto(`${server.url}/#staff=${token}&page=integrations`)
    await page.getByText('Nobody is told yet').waitFor()
    await button('Add a destination …').click()
    await page.getByLabel('What you call it').fill('Scheduling')
    await page.getByLabel('Id', { exact: true }).fill('scheduling')
    await page.getByLabel('Why may it be told?').selectOption('qsoa')
    await page.getByLabel('Address of the receiver').fill(receiver.url)
    await button('Add it').click()
    await page.getByText('This must begin with https://').waitFor() // the server's words, at the field
    await page.getByLabel('The address may be inside our own network').check()
    await button('Add it').click()
    await state('Needs a key').waitFor()
    await button('New key for Scheduling').click()
    await button('Make the key').click()
    secret = await page.locator('.secret').innerText()
    assert.match(secret, /^whsec_/)
    await button('I have it').click()
    await state('Up to date').waitFor()
  })

  await t.test('its receiver fails: the page shows what waits and why', async () => {
    await arrange()
    await state('Behind').waitFor()
    await card
      .getByText(/changes? waits?, the oldest for/)
      .first()
      .waitFor()
    await card.getByText(/Refused with 503/).waitFor()
    await button('Deliveries to Scheduling').click()
    await card.getByRole('table').getByText('Refused with 503').first().waitFor()
    await button('Send a test to Scheduling').click()
    await card.locator('.test-result').getByText('Refused with 503').waitFor()
    assert.deepEqual(await faults(page), [])
  })

  await t.test('it recovers, what waits is sent again, and everything arrives', async () => {
    receiver.recover()
    await button('Try now …').click()
    await page.getByText('tried now').waitFor()
    await button('Send again').click()
    await state('Up to date').waitFor()
    const messages = receiver.got.map(({ body }) => JSON.parse(body))
    const noShows = messages.filter((m) => m.type === 'attendance.no_show')
    assert.equal(noShows.length, 2)
    for (const { headers, body } of receiver.got) {
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
      const want = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
      assert.ok(headers['webhook-signature'].split(' ').includes(want), 'signed with the key that was shown')
      assert.ok(!/Ana|Ben/.test(body), 'without names')
    }
  })

  await t.test('a download is a ZIP with the same records', async () => {
    await button('Download').click()
    await page.getByLabel('For whom?').selectOption('scheduling')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('button[type=submit]').click(),
    ])
    const files = unzip(await readFile(await download.path()))
    const [head, ...lines] = files['attendance.csv'].toString().trim().split('\r\n')
    const column = head.split(',').indexOf('record_id')
    assert.deepEqual(lines.map((l) => l.split(',')[column]).sort(), ['s1/p1', 's1/p2'])
    assert.match(files['NOTICE.txt'].toString(), /42 CFR part 2/i)
    assert.equal(JSON.parse(files['manifest.json']).destination, 'scheduling')
  })

  await t.test('both are in the accounting of each patient', async () => {
    await button('Disclosures').click()
    await page.getByLabel('Patient id').fill('p1')
    await button('Look up').click()
    const table = page.getByRole('table')
    await table.getByText('Sent to a webhook').first().waitFor()
    await table.getByText('Downloaded as CSV').waitFor()
    await table.getByText('without the name').first().waitFor()
  })

  assert.deepEqual(complaints, [])
  await context.close()
})
