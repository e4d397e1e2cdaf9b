// The protocol at the browser's edge: text comes in as `unknown`, a typed
// frame goes on. The JSON Schema that the server is tested against is also
// what decides here, so the two cannot drift apart; wire.gen.ts holds the
// types made from the same file.
import schema from '../../../signaling/wire/schema/viop.v1.json'
import { createCheck } from './schema'
import type { ClientFrame, ServerFrame } from './wire.gen'

export type * from './wire.gen'

/** The versions of the protocol this client speaks. */
export const versions = [1]

/** The WebSocket subprotocol of version 1. */
export const subprotocol = 'viop.v1'

export type Decoded = { ok: true; frame: ServerFrame } | { ok: false; problem: string }

/** Reads one message of the server. A problem names the place, never the content. */
export function decode(text: string): Decoded {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, problem: 'not JSON' }
  }
  return isServerFrame(value)
    ? { ok: true, frame: value }
    : { ok: false, problem: problemOf('ServerFrame', value) ?? 'unknown' }
}

export function isServerFrame(value: unknown): value is ServerFrame {
  return problemOf('ServerFrame', value) === null
}

export function isClientFrame(value: unknown): value is ClientFrame {
  return problemOf('ClientFrame', value) === null
}

/** What keeps value from being an instance of the named definition, or null. */
const problemOf = createCheck(schema.$defs)
