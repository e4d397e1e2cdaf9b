// Takes the captures in rooms/sfu/rewrite/testdata anew: what real browsers
// number their packets with, from the real page to a server that prints it.
// That server is built for this, of the sources with a recorder laid over them
// (go build -overlay), and is gone afterwards. `node e2e/captures.mjs`.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { launchChromium, launchFirefox } from './lib/browsers.mjs'
import { ana, arrange, therapist } from './lib/clinic.mjs'
import { newServer, until } from './lib/server.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const sfu = join(root, 'rooms/sfu')
const folder = join(sfu, 'rewrite/testdata')
const dir = await mkdtemp(join(tmpdir(), 'viop-captures-'))

/** A server with the recorder in the way of every packet. */
async function build() {
  const before = '\tif from.layer != nil {\n\t\tswitch kind {'
  const source = await readFile(join(sfu, 'ingress.go'), 'utf8')
  if (source.split(before).length !== 2)
    throw new Error('ingress.go has changed: where is the recorder to go?')
  const patched = join(dir, 'ingress.go')
  await writeFile(
    patched,
    source.replace(before, before.replace('nil', 'nil && record(from.layer, p, kind)')),
  )
  const overlay = join(dir, 'overlay.json')
  const Replace = {
    [join(sfu, 'ingress.go')]: patched,
    [join(sfu, 'recorder.go')]: join(folder, 'recorder.go'),
  }
  await writeFile(overlay, JSON.stringify({ Replace }))
  const executable = join(dir, 'viop')
  await promisify(execFile)('go', ['build', '-overlay', overlay, '-o', executable, './cmd/viop'], {
    cwd: root,
  })
  return executable
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms))

// One layer, as pages of others may send it.
const plain = `(() => {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (kind, init) {
    if (init?.sendEncodings?.length > 1) delete init.sendEncodings;
    return add.call(this, kind, init);
  };
})()`

// Chromium makes three layers of no smaller picture.
const camera = [960, 540]

const executable = await build()
const watching = await launchChromium()

/** Ana's browser sends and Tara's looks on; a file keeps what comes while something happens. */
async function capture(sending, scripts, story) {
  const server = await newServer({ executable })
  await server.start()
  const links = await arrange(server, 's1', [ana])
  const tara = await watching.person('Tara')
  const person = await sending.person('Ana', { scripts, camera })
  const file = async (name, about, happens, { sound = false } = {}) => {
    const from = server.log().length
    await happens()
    const lines = server
      .log()
      .slice(from)
      .split('\n')
      .filter((l) => l.startsWith('numbers ') && (sound || !l.includes(' mic.')))
    const version = await person.evaluate('navigator.userAgent.match(/(Chrome|Firefox)\\/\\d+/)[0]')
    const text = lines
      .slice(0, -1) // the last one may be half of one
      .map((l) => l.slice('numbers '.length))
      .join('\n')
    await writeFile(join(folder, `${name}.txt`), `# ${version}: ${about}\n${text}\n`)
    console.log(`${name}: ${lines.length} packets`)
  }
  await tara.go(links[therapist.id]) // sends nothing herself
  await tara.press('Continue')
  await person.arrive(links[ana.id])
  await person.checkIn()
  await tara.reads('Lobby (1)', 60)
  await tara.press(`Admit ${ana.name}`)
  const seen = () => until('Tara sees Ana', async () => (await tara.movingPictures()).length === 1, 60)
  await story({ file, tara, person, seen })
  await person.close()
  await tara.close()
  await server.stop()
}

/** Layers of the camera that are being sent: "qf". */
const layers = async (person) => {
  const count = async () => (await person.stats()).sent.filter((s) => s.source === 'camera')
  const before = await count()
  await pause(700)
  const sent = (await count()).filter((s, i) => s.packets > (before[i]?.packets ?? 0)).map((s) => s.rid)
  return ['q', 'h', 'f'].filter((rid) => sent.includes(rid)).join('')
}

const mute = (person, seen) => async () => {
  await pause(1000)
  await person.press('Camera is on: switch off')
  await pause(2000)
  await person.press('Camera is off: switch on')
  await seen()
  await pause(2000)
}

const chromium = await launchChromium()
await capture(chromium, [], async ({ file, tara, person, seen }) => {
  // Tara's window decides which layer is wanted; what nobody gets is stopped after a while.
  const sends = (what) =>
    until(
      `Ana sends ${what}`,
      async () => {
        const now = await layers(person)
        return now === what || Promise.reject(new Error(now))
      },
      40,
    )
  const begins = async () => {
    await seen()
    await sends('qhf')
    await pause(1000)
  }
  await file('chromium-begin', 'the first seconds, three layers', begins, { sound: true })
  await sends('qf')
  await file('chromium-layers', 'layers that nobody gets are stopped, and called back', async () => {
    await tara.resize(320, 300)
    await sends('q')
    await tara.resize(1280, 800)
    await sends('qf')
    await pause(1000)
  })
  await file('chromium-mute', 'the camera is switched off and on', mute(person, seen))
  await file('chromium-reload', 'the page is loaded anew: other SSRCs', async () => {
    await pause(1000)
    await person.reload()
    await person.reads('Tara L.', 30)
    await seen()
    await pause(2000)
  })
})
await chromium.close()

const firefox = await launchFirefox()
await capture(firefox, [], async ({ file, person, seen }) => {
  const begins = async () => {
    await seen()
    await pause(3000)
  }
  await file('firefox-simulcast', 'the first seconds, as many layers as it dares', begins, { sound: true })
  await file('firefox-mute', 'simulcast; the camera is switched off and on', mute(person, seen))
})
await capture(firefox, [plain], async ({ file, seen }) => {
  await file('firefox-plain', 'the first seconds, one layer', async () => {
    await seen()
    await pause(4000)
  })
})
await firefox.close()
await watching.close()
await rm(dir, { recursive: true })
