// The real binary, for the browser tests: started on free ports with a data
// directory of its own, killed and started again when a test wants to see
// what that does.
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../../..')
export const binary = join(root, 'bin/viop')

/** A TCP port nobody listens on just now. */
export async function freePort() {
  const server = createServer()
  await new Promise((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done))
  const { port } = server.address()
  await new Promise((done) => server.close(done))
  return port
}

/** Polls until check gives something true, and returns it. */
export async function until(what, check, seconds = 20) {
  const deadline = Date.now() + seconds * 1000
  let last
  for (;;) {
    try {
      const got = await check()
      if (got) return got
      last = got
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline)
      throw new Error(`not within ${seconds} s: ${what} (last: ${last?.message ?? JSON.stringify(last)})`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

/** An instant `ms` from now, RFC 3339. */
export const at = (ms) => new Date(Date.now() + ms).toISOString()

/**
 * A viop server that has not been started yet. On another host than loopback
 * it believes in a proxy that speaks TLS, and there is none.
 *
 * @param {{ redisURL?: string, host?: string, executable?: string }} options
 */
export async function newServer({ redisURL, host = '127.0.0.1', executable = binary } = {}) {
  const data = await mkdtemp(join(tmpdir(), 'viop-e2e-'))
  const port = await freePort()
  const media = await freePort()
  const env = {
    PATH: process.env.PATH,
    VIOP_MEDIA_PATH: process.env.VIOP_MEDIA_PATH ?? 'auto', // both ways of media can be tried
    VIOP_LISTEN: `${host}:${port}`,
    ...(host === '127.0.0.1'
      ? {}
      : { VIOP_BEHIND_TLS_PROXY: 'true', VIOP_PUBLIC_URL: `http://${host}:${port}` }),
    VIOP_MEDIA: `:${media}`,
    VIOP_DATA: data,
    VIOP_JWT_SECRETS: `e2e:${randomBytes(32).toString('base64')}`,
    VIOP_DATA_KEYS: `e2e:${randomBytes(32).toString('hex')}`,
    ...(redisURL ? { VIOP_REDIS_URL: redisURL } : {}),
  }
  const url = `http://${host}:${port}`
  let child
  let log = ''
  let apiToken

  async function start() {
    child = spawn(executable, ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const exited = new Promise((done) => child.once('exit', done))
    child.exited = exited
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        log += text
        if (process.env.VIOP_E2E_LOG) process.stderr.write(text)
      })
    }
    await until('the server is ready', async () => {
      if (child.exitCode !== null) throw new Error(`the server ended: ${log}`)
      return (await fetch(`${url}/readyz`)).ok
    })
  }

  /** Runs the binary with this server's settings; resolves to its standard output. */
  async function run(args, stdin) {
    const going = promisify(execFile)(executable, args, { env, maxBuffer: 64 << 20 })
    if (stdin !== undefined) going.child.stdin.end(stdin)
    return (await going).stdout
  }

  /** One request of the API, as a program with every scope. */
  async function api(method, path, body) {
    apiToken ??= (await run(['token', '--person', 'e2e', '--scope', 'all'])).trim()
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${apiToken}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
  }

  return {
    url,
    mediaPort: media,
    data,
    start,
    run,
    api,
    log: () => log,
    pid: () => child.pid,
    /** A crash: nothing is written, nobody is told. */
    async kill() {
      child.kill('SIGKILL')
      await child.exited
    },
    async stop() {
      if (child && child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await child.exited
      }
      await rm(data, { recursive: true, force: true })
    },
    async dumpLog(path) {
      await writeFile(path, log)
    },
  }
}

/**
 * A redis-server of the test's own, with the settings viop asks for, that can
 * be killed and started again on the same data.
 */
export async function newRedis() {
  const dir = await mkdtemp(join(tmpdir(), 'viop-redis-'))
  const port = await freePort()
  let child
  async function start() {
    child = spawn(
      'redis-server',
      [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        dir,
        '--appendonly',
        'yes',
        '--appendfsync',
        'always',
        '--save',
        '',
        '--maxmemory-policy',
        'noeviction',
      ],
      { stdio: 'ignore' },
    )
    child.exited = new Promise((done) => child.once('exit', done))
    await until(
      'Redis answers',
      async () =>
        (await promisify(execFile)('redis-cli', ['-p', String(port), 'ping'])).stdout.trim() === 'PONG',
    )
  }
  return {
    url: `redis://127.0.0.1:${port}/0`,
    start,
    async kill() {
      child.kill('SIGKILL')
      await child.exited
    },
    async stop() {
      if (child && child.signalCode === null && child.exitCode === null) {
        child.kill('SIGKILL')
        await child.exited
      }
      await rm(dir, { recursive: true, force: true })
    },
  }
}
