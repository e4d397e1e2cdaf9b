// Pictures of the integrations page for people to look at.
import { mkdir } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import { servePages } from './lib/mock.mjs'
import { link, partners, serve } from './lib/partners.mjs'

const folder = process.argv[2] ?? 'test-results/shots'
const only = process.argv.slice(3)
const sizes = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 664 } }
const press = (name) => (page) => page.getByRole('button', { name, exact: true }).first().click()

const file = (text) => ({ name: 'sessions.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })

const scenes = {
  integrations: {},
  integrations_open: { does: [press('Deliveries to Billing service')] },
  integrations_test: {
    does: [press('Send a test to Scheduling system'), press('Send a test to Health record')],
  },
  integrations_redrive: { does: [press('Deliveries to Billing service'), press('Send all again …')] },
  integrations_add: { does: [press('Add a destination …')] },
  integrations_fhir: { does: [press('Edit Health record')] },
  integrations_wrong: { does: [press('Add a destination …'), press('Add it')] },
  integrations_key: { does: [press('New key for Scheduling system'), press('Make the key')] },
  integrations_off: { does: [press('Switch Scheduling system off')] },
  integrations_none: { state: 'none' },
  integrations_forbidden: { state: 'forbidden' },
  integrations_download: { does: [press('Download')] },
  integrations_import: {
    does: [
      press('Import'),
      (page) => page.getByLabel('Which file?').setInputFiles(file('wrong')),
      press('Check the file'),
    ],
  },
  integrations_imported: {
    does: [
      press('Import'),
      (page) => page.getByLabel('Which file?').setInputFiles(file('right')),
      press('Check the file'),
    ],
  },
  integrations_disclosures: {
    does: [press('Disclosures'), (page) => page.getByLabel('Patient id').fill('p4'), press('Look up')],
  },
}

await mkdir(folder, { recursive: true })
const pages = await servePages()
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ['light', 'dark']) {
    for (const name of only.length > 0 ? only : Object.keys(scenes)) {
      const scene = scenes[name]
      const context = await browser.newContext({
        ...{ viewport, colorScheme, reducedMotion: 'reduce', timezoneId: 'America/Chicago', locale: 'en-US' },
      })
      const page = await context.newPage()
      page.on('console', (m) => m.type() === 'error' && console.log(name, m.text()))
      page.on('pageerror', (e) => console.log(name, String(e)))
      await serve(page, partners(scene.state))
      await page.goto(`${pages.url}${link}`)
      await page.waitForSelector('.destinations, .nobody, .banner')
      for (const act of scene.does ?? []) await act(page)
      // As tall as the page, so that its foot is at the foot.
      const height = await page.evaluate(() => document.documentElement.scrollHeight)
      if (!(await page.locator('dialog').count())) await page.setViewportSize({ ...viewport, height })
      await page.waitForTimeout(400) // for the eye only
      await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png` })
      await context.close()
    }
  }
}
await browser.close()
await pages.close()
