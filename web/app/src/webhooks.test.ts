import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

// Messages that Go has signed, looked at by the verifier of Standard Webhooks.
// It knows secrets (v1) only; for ed25519 (v1a) it is node's own.

type Signed = {
  name: string
  headers: Record<string, string>
  body: string
  secrets: string[]
  public_keys: string[]
}

const corpus = new URL('../../../rooms/delivery/testdata/signed.json', import.meta.url)
const messages = JSON.parse(readFileSync(corpus, 'utf8')) as Signed[]
const stranger = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

/** A raw key of 32 bytes as node wants it: with the header of RFC 8410. */
function publicKey(text: string) {
  const raw = Buffer.from(text.replace('whpk_', ''), 'base64')
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw])
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}

function believes(key: string, m: Signed, body: string): boolean {
  const signed = Buffer.from(`${m.headers['Webhook-Id']}.${m.headers['Webhook-Timestamp']}.${body}`)
  const signatures = (m.headers['Webhook-Signature'] ?? '').split(' ')
  return signatures
    .filter((s) => s.startsWith('v1a,'))
    .some((s) => verify(null, signed, publicKey(key), Buffer.from(s.slice(4), 'base64')))
}

describe.each(messages)('$name', (m) => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Number(m.headers['Webhook-Timestamp']) * 1000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('convinces whoever has a key', () => {
    expect(m.secrets.length + m.public_keys.length).toBeGreaterThan(0)
    for (const secret of m.secrets) {
      expect(new Webhook(secret).verify(m.body, m.headers)).toEqual(JSON.parse(m.body))
    }
    for (const key of m.public_keys) expect(believes(key, m, m.body)).toBe(true)
  })

  it('is not believed when anything about it is another', () => {
    const other = m.body.replace('"version":2', '"version":3')
    expect(() => new Webhook(stranger).verify(m.body, m.headers)).toThrow(WebhookVerificationError)
    for (const secret of m.secrets) {
      expect(() => new Webhook(secret).verify(other, m.headers)).toThrow(WebhookVerificationError)
      const renamed = { ...m.headers, 'Webhook-Id': 'feed.18' }
      expect(() => new Webhook(secret).verify(m.body, renamed)).toThrow(WebhookVerificationError)
      vi.setSystemTime(Date.now() + 6 * 60 * 1000)
      expect(() => new Webhook(secret).verify(m.body, m.headers)).toThrow(WebhookVerificationError)
      vi.setSystemTime(Number(m.headers['Webhook-Timestamp']) * 1000)
    }
    for (const key of m.public_keys) expect(believes(key, m, other)).toBe(false)
  })
})
