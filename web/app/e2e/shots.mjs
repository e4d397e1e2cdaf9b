// Pictures of every page for people to look at: `npm run shots [folder]`.
import { mkdir } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import { scenes, servePages, show } from './lib/mock.mjs'

const folder = process.argv[2] ?? 'test-results/shots'
const only = process.argv.slice(3)
const sizes = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 664 } }

await mkdir(folder, { recursive: true })
const pages = await servePages()
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
})
for (const [size, viewport] of Object.entries(sizes)) {
  for (const scheme of ['light', 'dark']) {
    for (const name of only.length > 0 ? only : Object.keys(scenes)) {
      const context = await browser.newContext({ viewport, colorScheme: scheme, reducedMotion: 'reduce' })
      const page = await context.newPage()
      await show(page, pages.url, name)
      await page.waitForTimeout(700) // for the eye only: fonts, notices, the first picture
      await page.screenshot({ path: `${folder}/${name}-${size}-${scheme}.png` })
      await context.close()
    }
  }
}
await browser.close()
await pages.close()
