// Real browsers, driven by two libraries: Playwright for Chromium and
// puppeteer (WebDriver BiDi) for Firefox. A Person is what both have in
// common, and it works on the page as a person does: by the names of things.
import { chromium, devices } from 'playwright-core'
import puppeteer from 'puppeteer-core'
import { until } from './server.mjs'

export const chromiumPath = '/usr/bin/chromium'

const chromiumArgs = [
  '--no-sandbox', // tests run as root
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
]

// Test browsers share two cores with the server: a small picture is enough.
const smallCamera = ([width, height]) => `(() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wish) =>
    ask(wish.video ? { ...wish, video: { ...(typeof wish.video === 'object' ? wish.video : {}), width: ${width}, height: ${height}, frameRate: 15 } } : wish);
})();`

// Lets a test look at, and tamper with, the page's own PeerConnections.
const keepPeers = `(() => {
  const Real = window.RTCPeerConnection;
  window.peers = [];
  window.RTCPeerConnection = class extends Real {
    constructor(...args) { super(...args); window.peers.push(this); }
  };
})();`

/** @param {{ executablePath?: string, args?: string[] }} options */
export async function launchChromium({ executablePath = chromiumPath, args = [] } = {}) {
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [...chromiumArgs, ...args],
  })
  return {
    /** A person in a browser profile of their own. */
    async person(name, { phone = false, scripts = [], camera = [640, 360] } = {}) {
      const context = await browser.newContext(
        phone
          ? { ...devices['iPhone 13'], permissions: ['camera', 'microphone'] }
          : { viewport: { width: 1280, height: 800 }, permissions: ['camera', 'microphone'] },
      )
      for (const script of [smallCamera(camera), keepPeers, ...scripts]) await context.addInitScript(script)
      const page = await context.newPage()
      return new Person(name, page, {
        evaluate: (source) => page.evaluate(source),
        go: (url) => page.goto(url),
        reload: () => page.reload(),
        shot: (path) => page.screenshot({ path }),
        resize: (width, height) => page.setViewportSize({ width, height }),
        close: () => context.close(),
      })
    },
    close: () => browser.close(),
  }
}

export async function launchFirefox() {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.autoplay.default': 0,
      'media.peerconnection.ice.loopback': true, // the server may be on loopback only
    },
  })
  return {
    async person(name, { scripts = [] } = {}) {
      const context = await browser.createBrowserContext()
      const page = await context.newPage()
      for (const script of [keepPeers, ...scripts]) await page.evaluateOnNewDocument(script)
      return new Person(name, page, {
        evaluate: (source) => page.evaluate(source),
        go: (url) => page.goto(url),
        reload: () => page.reload(),
        shot: (path) => page.screenshot({ path }),
        resize: (width, height) => page.setViewport({ width, height }),
        close: () => context.close(),
      })
    },
    close: () => browser.close(),
  }
}

/** Somebody in front of a page. */
export class Person {
  #drive
  constructor(name, page, drive) {
    this.name = name
    this.page = page // of the driving library; for axe and the like
    this.#drive = drive
  }

  go = (url) => this.#drive.go(url)
  reload = () => this.#drive.reload()
  shot = (path) => this.#drive.shot(path)
  resize = (width, height) => this.#drive.resize(width, height)
  close = () => this.#drive.close()

  /** The value of an expression in the page; a promise is waited for. */
  evaluate = (source) => this.#drive.evaluate(source)

  /** Presses the button, link or choice with this accessible name. */
  async press(name, seconds) {
    await until(
      `${this.name} can press «${name}»`,
      () => this.evaluate(`(${press})(${JSON.stringify(name)})`),
      seconds,
    )
  }

  /** Writes into the field with this form name. */
  async write(field, text) {
    await until(`${this.name} can write into ${field}`, () =>
      this.evaluate(`(${write})(${JSON.stringify(field)}, ${JSON.stringify(text)})`),
    )
  }

  /** Waits until the page says something. */
  async reads(text, seconds) {
    await until(`${this.name} reads «${text}»`, async () => (await this.text()).includes(text), seconds)
  }

  text = () => this.evaluate('document.body.innerText')
  stats = () => this.evaluate('window.viopStats()')

  /** Names of the tiles of others whose picture changes within half a second. */
  async movingPictures() {
    const before = await this.evaluate(`(${pictures})()`)
    await new Promise((done) => setTimeout(done, 500))
    const after = await this.evaluate(`(${pictures})()`)
    return Object.keys(after).filter((name) => before[name] !== undefined && before[name] !== after[name])
  }

  /** How many audio slots brought sound (energy) within a second. */
  async voices() {
    const energies = async () =>
      (await this.stats()).received.filter((s) => s.kind === 'audio').map((s) => s.energy)
    const before = await energies()
    await new Promise((done) => setTimeout(done, 1500))
    return (await energies()).filter((energy, i) => energy > (before[i] ?? 0) + 1e-6).length
  }

  /** How many audio slots brought packets within a second. */
  async streams() {
    const packets = async () =>
      (await this.stats()).received.filter((s) => s.kind === 'audio').map((s) => s.packets)
    const before = await packets()
    await new Promise((done) => setTimeout(done, 1000))
    return (await packets()).filter((n, i) => n > (before[i] ?? 0) + 3).length
  }

  /** What the server's RTCP has told: how many of its streams arrive, of how many it gets when they were sent. */
  async reports() {
    const types = await this.evaluate(`(${reported})()`)
    const count = (type) => types.filter((t) => t === type).length
    return { arriving: count('remote-inbound-rtp'), sent: count('remote-outbound-rtp') }
  }

  /** Opens an invitation, tests the devices and goes on. */
  async arrive(url) {
    await this.go(url)
    await this.press('Microphone: turn on')
    await this.press('Camera: turn on')
    await this.reads('Microphone on')
    await until(`${this.name} sees themself`, () =>
      this.evaluate('!!document.querySelector(".preview video")?.videoWidth'),
    )
    await this.press('Continue')
  }

  /** Answers the questions before the lobby. */
  async checkIn() {
    await this.reads('A few questions first')
    for (const question of ['private', 'alone', 'headphones']) await this.press(`${question}=yes`)
    await this.write('location', '12 Elm Street, Springfield')
    await this.press('rules=yes')
    await this.press('Go to the lobby')
  }
}

// These run in the page.

function press(name) {
  const choice = name.match(/^(\w+)=(\w+)$/)
  const front = document.querySelector('dialog[open]') ?? document // what is behind a dialog cannot be pressed
  const found = choice
    ? front.querySelector(`input[name="${choice[1]}"][value="${choice[2]}"]`)
    : [...front.querySelectorAll('button, a[href]')].find(
        (e) =>
          (e.getAttribute('aria-label') ?? e.innerText).trim() === name && !e.disabled && e.checkVisibility(),
      )
  found?.click()
  return !!found
}

function write(field, text) {
  const found = document.querySelector(`[name="${field}"]`)
  if (!found) return false
  found.value = text
  found.dispatchEvent(new Event('input', { bubbles: true }))
  return true
}

async function reported() {
  return [...(await window.peers.at(-1).getStats()).values()].map((entry) => entry.type)
}

function pictures() {
  const seen = {}
  for (const tile of document.querySelectorAll('.tile')) {
    const who = tile.querySelector('.tile-who')?.textContent ?? ''
    const video = tile.querySelector('video')
    if (!video?.videoWidth || who.includes('(you)')) continue
    const canvas = document.createElement('canvas')
    canvas.width = 64
    canvas.height = 36
    const pen = canvas.getContext('2d', { willReadFrequently: true })
    pen.drawImage(video, 0, 0, 64, 36)
    const { data } = pen.getImageData(0, 0, 64, 36)
    let hash = 0
    for (const value of data) hash = (hash * 31 + value) | 0
    seen[who] = hash
  }
  return seen
}
