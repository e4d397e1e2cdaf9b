// A browser behind a line of its own: a network namespace whose only way out
// is a pair of TUN devices with e2e/impair between them. Needs root and
// /dev/net/tun.
import { execFile, spawn } from 'node:child_process'
import { access, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const root = join(dirname(fileURLToPath(import.meta.url)), '../../../..')

/** Why there can be none on this machine; '' when there can. */
export async function impossible() {
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    await access('/dev/net/tun')
    await exec('ip', ['netns', 'list'])
    return ''
  } catch (error) {
    return `no namespaces here: ${error.message}`
  }
}

/** @param {string} chromium the browser that is to run inside */
export async function newNamespace(chromium) {
  const id = process.pid % 10_000
  const name = `viop-e2e-${id}`
  const [near, far] = [`vn${id}`, `vf${id}`]
  const net = `10.${64 + (id % 64)}.${(id >> 6) % 250}`
  const [inside, host] = [`${net}.1`, `${net}.2`]
  const dir = await mkdtemp(join(tmpdir(), 'viop-line-'))
  const ip = (...args) => exec('ip', args)
  const there = (...args) => exec('ip', ['-n', name, ...args])

  await ip('netns', 'add', name)
  await there('tuntap', 'add', near, 'mode', 'tun')
  await ip('tuntap', 'add', far, 'mode', 'tun')
  await there('addr', 'add', inside, 'peer', host, 'dev', near)
  await ip('addr', 'add', host, 'peer', inside, 'dev', far)
  await there('link', 'set', 'lo', 'up')
  await there('link', 'set', near, 'up', 'mtu', '1400')
  await ip('link', 'set', far, 'up', 'mtu', '1400')

  await exec('go', ['build', '-o', join(dir, 'impair'), './web/app/e2e/impair'], { cwd: root })
  const line = spawn(join(dir, 'impair'), [`${name},${near}`, `,${far}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = new Promise((done) => line.once('exit', done))
  const answers = createInterface({ input: line.stdout })[Symbol.asyncIterator]()
  const ready = async () => {
    const { value } = await answers.next()
    if (value !== 'ready') throw new Error('the line has ended')
  }
  await ready()

  const executablePath = join(dir, 'chromium')
  await writeFile(executablePath, `#!/bin/sh\nexec ip netns exec ${name} ${chromium} "$@"\n`)
  await chmod(executablePath, 0o755)
  return {
    /** The address of this machine, as the browser inside sees it. */
    host,
    executablePath,
    /** Makes the line so: "delay=80ms jitter=20ms loss=0.05 rate=300000 moved=1000 noudp". */
    async line(how) {
      line.stdin.write(`${how}\n`)
      await ready()
    },
    async close() {
      line.stdin.end()
      await exited
      await ip('netns', 'del', name)
      await ip('link', 'del', far).catch(() => {}) // gone with the line
      await rm(dir, { recursive: true, force: true })
    },
  }
}
