// Every page in every state, on a laptop and on a phone, in the light and in
// the dark: nothing for axe to find, no sideways scrolling, nothing against
// the policy. The server is a pretended one (lib/mock.mjs), so states that
// take minutes to come about are a frame away.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { chromium } from 'playwright-core'
import { faults, faultsInTheDark, sideways } from './lib/axe.mjs'
import { scenes, servePages, show } from './lib/mock.mjs'
import { until } from './lib/server.mjs'

const sizes = { laptop: { width: 1280, height: 800 }, phone: { width: 390, height: 664 } }

let browser
let pages
before(async () => {
  pages = await servePages()
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  })
})
after(async () => {
  await browser?.close()
  await pages?.close()
})

async function open(scene, viewport) {
  const context = await browser.newContext({ viewport, colorScheme: 'light', reducedMotion: 'reduce' })
  const page = await context.newPage()
  const complaints = []
  page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()))
  page.on('pageerror', (e) => complaints.push(String(e)))
  await show(page, pages.url, scene)
  await page.waitForSelector('h1', { state: 'attached' })
  return { page, complaints, close: () => context.close() }
}

for (const [size, viewport] of Object.entries(sizes)) {
  describe(`on a ${size}`, { concurrency: 2 }, () => {
    for (const scene of Object.keys(scenes)) {
      it(scene, async () => {
        const { page, complaints, close } = await open(scene, viewport)
        assert.deepEqual(await faults(page), [], 'axe')
        assert.deepEqual(await faultsInTheDark(page), [], 'axe in the dark')
        assert.equal(await sideways(page), 0, 'no sideways scrolling')
        assert.deepEqual(complaints, [])
        await close()
      })
    }
  })
}

describe('twelve in a group', () => {
  for (const [size, viewport] of Object.entries(sizes)) {
    it(`are all seen on a ${size}, none outside and none stretched`, async () => {
      const { page, close } = await open('room', viewport)
      await until('twelve tiles', async () => (await page.locator('.tile').count()) === 12)
      const boxes = await page.locator('.tile').evaluateAll((tiles) =>
        tiles.map((t) => {
          const { left, right, top, bottom, width, height } = t.getBoundingClientRect()
          return { left, right, top, bottom, shape: width / height }
        }),
      )
      for (const b of boxes) {
        const inside = b.left >= 0 && b.right <= viewport.width && b.top >= 0 && b.bottom <= viewport.height
        assert.ok(inside && b.shape > 0.95 && b.shape < 1.85, JSON.stringify(b))
      }
      await close()
    })
  }
})

describe('the keyboard', () => {
  it('mutes with M, and not when the shortcuts are switched off', async () => {
    const { page, close } = await open('room', sizes.laptop)
    const mute = page.getByRole('button', { name: 'Microphone is on: mute' })
    await page.getByRole('button', { name: 'Microphone is off: unmute' }).waitFor()
    await page.keyboard.press('m')
    await mute.waitFor()
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByRole('checkbox', { name: 'Use the keyboard shortcuts' }).uncheck()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('m')
    assert.ok(await mute.isVisible())
    await close()
  })

  it('stays in a dialog, and comes back to what opened it', async () => {
    const { page, close } = await open('room', sizes.laptop)
    const leave = page.locator('.control-leave')
    await leave.focus()
    await page.keyboard.press('Enter')
    await page.locator('dialog[open]').waitFor()
    for (let i = 0; i < 6; i++) {
      await page.keyboard.press('Tab')
      const outside = await page.evaluate(
        () => document.activeElement !== document.body && !document.activeElement?.closest('dialog'),
      )
      assert.equal(outside, false)
    }
    await page.keyboard.press('Escape')
    await until('the focus is back', () => leave.evaluate((e) => e === document.activeElement))
    await close()
  })
})

it('the token leaves the address bar, and no request carries it', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  const asked = []
  page.on('request', (r) => asked.push(r.url()))
  await page.goto(`${pages.url}#t=secret-token`)
  await page.waitForSelector('h1')
  assert.equal(page.url(), pages.url)
  assert.ok(asked.length > 0)
  for (const url of asked) assert.ok(url.startsWith(pages.url) && !url.includes('secret'), url)
  await context.close()
})
