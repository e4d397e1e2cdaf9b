// The pages of records against a pretended API (lib/papers.mjs): by keyboard,
// on a laptop and on a phone, in the light and in the dark, with nothing for
// axe to find.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { chromium } from 'playwright-core'
import { faults, faultsInTheDark, sideways } from './lib/axe.mjs'
import { scenes, servePages } from './lib/mock.mjs'
import { links, papers, serve } from './lib/papers.mjs'
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

// The browser's zone is not the program's: only the program's may be shown.
async function open(link, { state, prepare, viewport = sizes.laptop } = {}) {
  const context = await browser.newContext({
    viewport,
    colorScheme: 'light',
    reducedMotion: 'reduce',
    timezoneId: 'Asia/Kolkata',
    locale: 'en-US',
  })
  const page = await context.newPage()
  const complaints = []
  page.on('console', (m) => m.type() === 'error' && !m.text().includes('409') && complaints.push(m.text()))
  page.on('pageerror', (e) => complaints.push(String(e)))
  const desk = papers(state)
  prepare?.(desk)
  await serve(page, desk)
  await page.goto(`${pages.url}${links[link]}`)
  await page.locator('.review, .cohort').first().waitFor()
  return { page, desk, complaints, close: () => context.close() }
}

const button = (page, name) => page.getByRole('button', { name, exact: true })

const views = {
  'the review': { link: 'review' },
  'the review of amended records': { link: 'review', state: 'amended' },
  'a correction': { link: 'review', does: (page) => button(page, 'Correct Elena R.').click() },
  'a correction with everything left out': {
    link: 'review',
    does: async (page) => {
      await button(page, 'Correct Elena R.').click()
      await button(page, 'Go on').click()
    },
  },
  'a correction of the session': {
    link: 'review',
    does: (page) => button(page, 'Correct the session …').click(),
  },
  'the question before signing': { link: 'review', does: (page) => button(page, 'Sign version 1 …').click() },
  'the sign-in sheet': {
    link: 'review',
    state: 'signed',
    does: (page) => button(page, 'Sign-in sheet').click(),
  },
  'everybody’s week': { link: 'cohort' },
}

for (const [size, viewport] of Object.entries(sizes)) {
  describe(`on a ${size}`, { concurrency: 2 }, () => {
    for (const [name, { link, state, does }] of Object.entries(views)) {
      it(name, async () => {
        const { page, complaints, close } = await open(link, { state, viewport })
        await does?.(page)
        assert.deepEqual(await faults(page), [], 'axe')
        assert.deepEqual(await faultsInTheDark(page), [], 'axe in the dark')
        assert.equal(await sideways(page), 0, 'no sideways scrolling')
        assert.deepEqual(complaints, [])
        await close()
      })
    }
  })
}

describe('a timeline', () => {
  it('is read with the arrow keys, and explained with the evidence behind it', async () => {
    const { page, close } = await open('review')
    const line = page.getByRole('slider', { name: 'Timeline of Chidi O.' })
    await line.focus()
    const says = () => line.getAttribute('aria-valuetext')
    assert.match(await says(), /^Lobby: 5:56\sPM to 6:00\sPM, 4 m$/)
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    assert.match(await says(), /^No facilitator: 6:33\sPM to 6:41\sPM, 8 m$/)
    const explained = page.getByRole('complementary', { name: 'Explanation' })
    await explained.getByText('no facilitator was connected').waitFor()
    assert.equal(await explained.getByRole('list', { name: 'Evidence' }).getByRole('listitem').count(), 2)
    await page.keyboard.press('End')
    assert.match(await says(), /^Not connected: /)
    await page.keyboard.press('Escape')
    await explained.getByText('Point at a line').waitFor({ state: 'attached' })
    await close()
  })

  it('is explained under the pointer', async () => {
    const { page, close } = await open('review')
    const box = await page.getByRole('slider', { name: 'Timeline of Elena R.' }).boundingBox()
    await page.mouse.move(box.x + (box.width * (15 + 60)) / 210, box.y + 10) // 7 PM
    await page.getByRole('heading', { name: 'Not connected' }).waitFor()
    await close()
  })

  it('never has the focus under what is explained', async () => {
    const { page, close } = await open('review', { viewport: sizes.phone })
    for (const name of ['Ana P.', 'Grace L.', 'Ivan T.']) {
      const line = page.getByRole('slider', { name: `Timeline of ${name}` })
      await line.focus()
      await page.getByText('being read').waitFor({ state: 'detached' })
      await until(`${name} is in sight`, async () => {
        const [a, b] = [await line.boundingBox(), await page.locator('.explained').boundingBox()]
        return a.y >= 0 && (a.y + a.height <= b.y || a.y >= b.y + b.height)
      })
    }
    await close()
  })
})

describe('a correction', () => {
  it('is made in two steps, with the keyboard alone, and signed as a new version', async () => {
    const { page, complaints, close } = await open('review', { state: 'signed' })
    await page.getByText('Everything is signed.').waitFor()
    await button(page, 'Correct Elena R.').focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Correct Elena R.' }).waitFor()
    await page.getByRole('button', { name: /^6:50.PM to 7:11.PM/ }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Why?').focus()
    await page.keyboard.type('Took')
    await page.keyboard.press('Enter')
    if (await button(page, 'Go on').isVisible()) await button(page, 'Go on').press('Enter')
    await page.getByText('Credited time of Elena R. rises by 21 m.').waitFor()
    await page.getByText('it becomes a new version').waitFor()
    await button(page, 'Keep this correction').press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('heading', { name: 'Elena R.: version 1 and version 2' }).waitFor()
    const row = page.getByRole('row', { name: /^Credited changed/ })
    assert.match(await row.textContent(), /2 h 29 m.*2 h 50 m/)
    await button(page, 'Sign version 2 …').press('Enter')
    await page.getByRole('dialog').getByText('Elena R.').waitFor()
    assert.equal(await page.getByRole('dialog').getByText('Ana P.').count(), 0, 'signs nobody else')
    await button(page, 'Sign version 2').press('Enter')
    await page.getByText('Everything is signed.').waitFor()
    await page.getByText('Version 2 is signed.').waitFor({ state: 'attached' })
    assert.deepEqual(complaints, [])
    await close()
  })

  it('that changes nothing says so and can be changed', async () => {
    const { page, close } = await open('review')
    await button(page, 'Correct the session …').click()
    await page.getByRole('radio', { name: /^Cancel a break/ }).check()
    await page.getByRole('button', { name: /^7:20.PM to 7:30.PM/ }).click()
    await page.getByLabel('Why?').selectOption('break_not_recorded')
    await button(page, 'Go on').click()
    await button(page, 'Keep this correction').click()
    await page.getByRole('alert').getByText('would change nothing').waitFor()
    await button(page, 'Back').click()
    await page.getByText('Step 1 of 2').waitFor()
    await close()
  })

  it('of the wrong person offers the connections in the evidence', async () => {
    const { page, close } = await open('review')
    await button(page, 'Correct Ana P.').click()
    await page.getByRole('radio', { name: /^It was another person/ }).check()
    await page.getByLabel('Which connection of Ana P.?').selectOption('c1-3')
    await page.getByLabel('Who was it really?').selectOption('Ben K.')
    await page.getByLabel('Why?').selectOption('wrong_person')
    await button(page, 'Go on').click()
    await page.getByText('All time of this connection moves to Ben K.').waitFor()
    await close()
  })

  it('takes whoever left something out to the first of it', async () => {
    const { page, close } = await open('review')
    await button(page, 'Correct Ana P.').click()
    await button(page, 'Go on').click()
    await until('the focus is at From', () =>
      page.getByLabel('From, CST').evaluate((e) => e === document.activeElement),
    )
    await close()
  })
})

it('a signature on records that changed is not given, and the page shows them as they are', async () => {
  const { page, desk, close } = await open('review')
  desk.conflict()
  await button(page, 'Sign version 1 …').click()
  await button(page, 'Sign version 1').click()
  await page.getByRole('alert').getByText('Nothing was signed').waitFor()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await button(page, 'Sign version 2 …').waitFor()
  await close()
})

it('while people are in the room nothing can be signed, and then it can, without a reload', async () => {
  const { page, desk, close } = await open('review', { prepare: (desk) => desk.occupied(true) })
  await page.getByText('There are still people in the room.').waitFor()
  assert.equal(await button(page, 'Sign version 1 …').count(), 0)
  desk.occupied(false)
  await button(page, 'Sign version 1 …').waitFor()
  await close()
})

it('the sign-in sheet has initials until names are asked for, and no buttons on paper', async () => {
  const { page, close } = await open('review', { state: 'signed' })
  await button(page, 'Sign-in sheet').click()
  await page.getByRole('heading', { name: 'Sign-in sheet' }).waitFor()
  const table = page.getByRole('table')
  await table.getByRole('rowheader', { name: 'AP', exact: true }).waitFor()
  assert.ok(!(await page.locator('main').textContent()).includes('Ana P.'))
  await page.getByLabel('Names instead of initials').check()
  await table.getByRole('rowheader', { name: 'Ana P.' }).waitFor()
  await page.emulateMedia({ media: 'print' })
  assert.equal(await button(page, 'Print').isVisible(), false)
  assert.equal(await page.getByText('988').isVisible(), false)
  assert.ok(await page.getByText('Signed by Dana Whitfield').isVisible())
  await page.emulateMedia({ media: 'screen' })
  await button(page, 'Back to the review').click()
  await page.getByRole('heading', { name: 'Review and sign' }).waitFor()
  await close()
})

it('everybody’s week is at risk first, in words, and can be turned to another week', async () => {
  const { page, close } = await open('cohort')
  const rows = page.locator('.cohort-row')
  assert.deepEqual((await rows.locator('.line-name').allInnerTexts()).slice(0, 4), [
    'Elena R.',
    'Joy N.',
    'Guadalupe-Alexandrina M.',
    'Ben K.',
  ])
  await rows.nth(1).getByText('Needs 3 h 18 m more by Sunday; 1 session left.').waitFor()
  await button(page, 'Previous week').press('Enter')
  await page.getByRole('heading', { name: 'Nov 9 to Nov 15, 2026' }).waitFor()
  await page.getByText('Nobody was expected in this week').waitFor()
  await button(page, 'Next week').press('Enter')
  await page.getByRole('heading', { name: 'Nov 16 to Nov 22, 2026' }).waitFor()
  await close()
})

it('the token of a staff page leaves the address bar and survives a reload', async () => {
  const { page, close } = await open('cohort')
  assert.equal(page.url(), pages.url)
  await page.reload()
  await page.locator('.cohort').waitFor()
  await close()
})

it('the group’s own closing page is the review, with a token asked for over the line', async () => {
  const context = await browser.newContext({ viewport: sizes.laptop, locale: 'en-US' })
  const page = await context.newPage()
  const tokens = new Set()
  page.on('request', (r) => r.url().includes('/v1/sessions/') && tokens.add(r.headers().authorization))
  await serve(page, papers())
  let asked = 0
  await page.routeWebSocket(/\/v1\/ws/, (socket) => {
    const say = (frame) => socket.send(JSON.stringify(frame))
    socket.onMessage((text) => {
      const { t, id } = JSON.parse(text)
      if (t === 'hello') for (const frame of scenes.closing.frames()) say(frame)
      if (t === 'api_token')
        say({ t, id, d: { token: `lent-${++asked}`, expires_ms: 600_000, session: 'wed-1800' } })
    })
  })
  const claims = Buffer.from(JSON.stringify({ role: 'facilitator', name: 'Dana', sub: 't1' })).toString(
    'base64url',
  )
  await page.goto(`${pages.url}#t=x.${claims}.y`)
  await button(page, 'Continue').click()
  await page.getByRole('heading', { name: 'The group has ended' }).waitFor()
  await page.getByRole('slider', { name: 'Timeline of Ana P.' }).waitFor()
  await button(page, 'Sign version 1 …').click()
  await page.getByRole('dialog').getByText('as Dana Whitfield').waitFor()
  assert.deepEqual([...tokens], ['Bearer lent-1'])
  await context.close()
})
