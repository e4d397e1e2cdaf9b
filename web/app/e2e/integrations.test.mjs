// The integrations page against a pretended API (lib/partners.mjs): by
// keyboard, on a laptop and on a phone, in the light and in the dark, with
// nothing for axe to find and nobody else asked.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { chromium } from 'playwright-core'
import { faults, faultsInTheDark, sideways } from './lib/axe.mjs'
import { servePages } from './lib/mock.mjs'
import { link, partners, serve } from './lib/partners.mjs'
import { until } from './lib/server.mjs'

const sizes = { laptop: { width: 1280, height: 800 }, phone: { width: 390, height: 664 } }

let browser
let pages
before(async () => {
  pages = await servePages()
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
})
after(async () => {
  await browser?.close()
  await pages?.close()
})

async function open({ state, viewport = sizes.laptop } = {}) {
  const context = await browser.newContext({
    ...{ viewport, colorScheme: 'light', reducedMotion: 'reduce', locale: 'en-US', acceptDownloads: true },
  })
  const page = await context.newPage()
  const complaints = []
  const asked = []
  page.on(
    'console',
    (m) => m.type() === 'error' && !/40[139]|412|422/.test(m.text()) && complaints.push(m.text()),
  )
  page.on('pageerror', (e) => complaints.push(String(e)))
  page.on('request', (r) => asked.push(r.url()))
  const desk = partners(state)
  await serve(page, desk)
  await page.goto(`${pages.url}${link}`)
  await page.locator('.destinations, .nobody, .banner').first().waitFor()
  return { page, context, desk, complaints, asked, close: () => context.close() }
}

const button = (page, name) => page.getByRole('button', { name, exact: true })

const chip = (page, text) => page.locator('.chip').getByText(text, { exact: true })

const views = {
  'the destinations': {},
  'nobody to tell': { state: 'none' },
  'a link that does not allow it': { state: 'forbidden' },
  'the deliveries to one': {
    does: async (page) => {
      await button(page, 'Deliveries to Billing service').click()
      await page.getByRole('table').waitFor()
    },
  },
  'the results of tests': {
    does: async (page) => {
      await button(page, 'Send a test to Scheduling system').click()
      await page.getByText('The test arrived').waitFor()
      await button(page, 'Send a test to Health record').click()
      await page.getByText('Refused with 503. ').first().waitFor()
    },
  },
  'a new destination with everything left out': {
    does: async (page) => {
      await button(page, 'Add a destination …').click()
      await button(page, 'Add it').click()
    },
  },
  'a FHIR server, edited': {
    does: async (page) => {
      await button(page, 'Edit Health record').click()
      await page.getByLabel('Base address of the FHIR server').waitFor()
    },
  },
  'the question before a switch': { does: (page) => button(page, 'Switch Scheduling system off').click() },
  'a new key': {
    does: async (page) => {
      await button(page, 'New key for Scheduling system').click()
      await button(page, 'Make the key').click()
      await page.getByText('whsec_').waitFor()
    },
  },
  'the downloads with everything wrong': {
    does: async (page) => {
      await button(page, 'Download').click()
      await page.getByLabel('First day').fill('2026-11-20')
      await page.getByLabel('Last day').fill('2026-11-19')
      await page.locator('button[type=submit]').click()
      await page.getByText('must not be before').waitFor()
    },
  },
  'a file that is refused': {
    does: async (page) => {
      await button(page, 'Import').click()
      await page.getByLabel('Which file?').setInputFiles(file('wrong.csv'))
      await button(page, 'Check the file').click()
      await page.getByText('Line 3, start').waitFor()
    },
  },
  'the accounting of a patient': {
    does: async (page) => {
      await button(page, 'Disclosures').click()
      await page.getByLabel('Patient id').fill('p4')
      await button(page, 'Look up').click()
      await page.getByRole('table').waitFor()
    },
  },
}

const file = (name) => ({
  name,
  mimeType: 'text/csv',
  buffer: Buffer.from(`session_id,start,end\n${name}\n`),
})

for (const [size, viewport] of Object.entries(sizes)) {
  describe(`on a ${size}`, { concurrency: 2 }, () => {
    for (const [name, { state, does }] of Object.entries(views)) {
      it(name, async () => {
        const { page, complaints, asked, close } = await open({ state, viewport })
        await does?.(page)
        assert.deepEqual(await faults(page), [], 'axe')
        assert.deepEqual(await faultsInTheDark(page), [], 'axe in the dark')
        assert.equal(await sideways(page), 0, 'no sideways scrolling')
        assert.deepEqual(complaints, [])
        const elsewhere = asked.filter((u) => !u.startsWith(pages.url) && !u.startsWith('blob:'))
        assert.deepEqual(elsewhere, [], 'nobody else is asked')
        assert.ok(!asked.some((u) => u.includes('.eyJ')), 'no token is in an address')
        await close()
      })
    }
  })
}

it('who needs somebody comes first, each with its state in words', async () => {
  const { page, close } = await open()
  assert.deepEqual(await page.locator('.destination .chip').allInnerTexts(), [
    ...['Nothing leaves', 'Disabled by the receiver', 'Needs attention', 'Behind', 'Ready', 'Up to date'],
  ])
  await page.getByText('14 changes wait, the oldest for 3 h 05 m.').first().waitFor()
  await close()
})

it('dead letters are sent again, one and then all, with the keyboard alone', async () => {
  const { page, close } = await open()
  await button(page, 'Deliveries to Billing service').press('Enter')
  await page.getByText('it does not know this appointment').waitFor()
  await button(page, 'Send number 402 again').press('Enter')
  await page.getByRole('dialog', { name: 'Send this to Billing service again?' }).waitFor()
  await page.getByText('goes back to its old place').waitFor()
  await button(page, 'Send it again').press('Enter')
  await page.getByText('it does not know this appointment').waitFor({ state: 'detached' })
  await button(page, 'Send all again …').press('Enter')
  await page.getByText('1 message that was put aside goes back').waitFor()
  await button(page, 'Send again').press('Enter')
  await page.getByText('Nothing. What fails is tried again').waitFor()
  await close()
})

it('a destination is put in, the server’s problem is at its field, and it can be switched off and on', async () => {
  const { page, complaints, close } = await open({ state: 'none' })
  await button(page, 'Add a destination …').click()
  await page.getByLabel('What you call it').fill('Billing')
  await page.getByLabel('Id', { exact: true }).fill('billing')
  await page.getByLabel('Why may it be told?').selectOption('qsoa')
  await page.getByLabel('Address of the receiver').fill('http://billing.example.com/in')
  await button(page, 'Add it').click()
  await page.getByText('This must begin with https://').waitFor()
  await until('the focus is at the address', () =>
    page.getByLabel('Address of the receiver').evaluate((e) => e === document.activeElement),
  )
  await page.getByLabel('Address of the receiver').fill('https://billing.example.com/in')
  await button(page, 'Add it').click()
  await chip(page, 'Needs a key').waitFor()
  await button(page, 'New key for Billing').click()
  await button(page, 'Make the key').click()
  await page.getByText('whsec_').waitFor()
  await button(page, 'I have it').click()
  assert.equal(await page.getByText('whsec_').count(), 0, 'it is shown once')
  await chip(page, 'Up to date').waitFor()
  await button(page, 'Switch Billing off').click()
  await button(page, 'Switch it off').click()
  await chip(page, 'Switched off').waitFor()
  await button(page, 'Switch Billing on').click()
  await button(page, 'Switch it on').click()
  await chip(page, 'Up to date').waitFor()
  assert.deepEqual(complaints, [])
  await close()
})

it('a download is a file with the name that the server gave it', async () => {
  const { page, asked, close } = await open()
  await button(page, 'Download').click()
  await button(page, 'Last month').click()
  await page.getByLabel('For whom?').selectOption('director')
  await page.getByText('written into the disclosure accounting').waitFor()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('button[type=submit]').click(),
  ])
  assert.equal(download.suggestedFilename(), 'attendance_2026-11-16_2026-11-22.zip')
  assert.equal(await readFile(await download.path(), 'utf8'), 'PK pretended')
  await page.getByText('Saved as attendance_').waitFor()
  const address = new URL(asked.find((u) => u.includes('attendance.zip')))
  assert.equal(address.searchParams.get('destination'), 'director')
  assert.deepEqual([...address.searchParams.keys()].sort(), ['destination', 'from', 'to'])
  await close()
})

it('an import is checked, then taken in, and checked anew after every change', async () => {
  const { page, close } = await open()
  await button(page, 'Import').click()
  await page.getByLabel('Which file?').setInputFiles(file('sessions.csv'))
  await button(page, 'Check the file').click()
  await page.getByText('Nothing was changed yet. 2 are created; 1 stays as it is.').waitFor()
  await page.getByLabel('Program').fill('iop')
  assert.equal(await button(page, 'Take it in').count(), 0)
  await button(page, 'Check the file').click()
  await button(page, 'Take it in').click()
  await page.getByText('It was taken in. 2 were created; 1 stays as it is.').waitFor()
  await close()
})

it('says so when it is offline, and keeps what it had', async () => {
  const { page, context, close } = await open()
  await context.setOffline(true)
  await page.unrouteAll()
  await page.route(/\/v1\//, (route) => route.abort())
  await page.getByText('This list is not up to date').waitFor({ timeout: 15_000 })
  assert.equal(await page.locator('.destination').count(), 6)
  await close()
})
