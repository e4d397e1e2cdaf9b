// Pictures of the pages of records for people to look at.
import { mkdir } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import { servePages } from './lib/mock.mjs'
import { links, papers, serve } from './lib/papers.mjs'

const folder = process.argv[2] ?? 'test-results/shots'
const only = process.argv.slice(3)
const sizes = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 664 } }
const press = (name) => (page) => page.getByRole('button', { name, exact: true }).first().click()

const scenes = {
  review: {
    does: [
      (page) => page.getByRole('slider', { name: 'Timeline of Chidi O.' }).focus(),
      (page) => page.keyboard.press('ArrowRight'),
      (page) => page.keyboard.press('ArrowRight'),
    ],
  },
  review_amended: { state: 'amended' },
  correct: { does: [press('Correct Elena R.')] },
  correct_wrong: { does: [press('Correct Elena R.'), press('Go on')] },
  correct_session: { does: [press('Correct the session …')] },
  preview: {
    state: 'signed',
    does: [
      press('Correct Elena R.'),
      (page) => page.locator('.offers button').first().click(),
      (page) => page.locator('select[name=reason]').selectOption('phone_participation'),
      press('Go on'),
    ],
  },
  sign: { does: [press('Sign version 1 …')] },
  signin: { does: [press('Sign-in sheet')], state: 'signed' },
  signin_print: { does: [press('Sign-in sheet')], print: true },
  cohort: { page: 'cohort' },
}

await mkdir(folder, { recursive: true })
const pages = await servePages()
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ['light', 'dark']) {
    for (const name of only.length > 0 ? only : Object.keys(scenes)) {
      const scene = scenes[name]
      const context = await browser.newContext({
        viewport,
        colorScheme,
        reducedMotion: 'reduce',
        timezoneId: 'Europe/Berlin',
        locale: 'en-US',
      })
      const page = await context.newPage()
      page.on('console', (m) => m.type() === 'error' && console.log(name, m.text()))
      page.on('pageerror', (e) => console.log(name, String(e)))
      await serve(page, papers(scene.state))
      await page.goto(`${pages.url}${links[scene.page ?? 'review']}`)
      await page.waitForSelector('.review, .cohort')
      for (const act of scene.does ?? []) await act(page)
      if (scene.print) await page.emulateMedia({ media: 'print' })
      await page.waitForTimeout(500) // for the eye only
      await page.screenshot({
        path: `${folder}/${name}-${size}-${colorScheme}.png`,
        fullPage: size === 'wide' && !scene.does?.length,
      })
      await context.close()
    }
  }
}
await browser.close()
await pages.close()
