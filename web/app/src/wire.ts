// The protocol at the browser's edge: text comes in as `unknown`, a typed
// frame goes on. The JSON Schema that the server is tested against is also
// what decides here, so the two cannot drift apart; wire.gen.ts holds the
// types made from the same file.
import schema from '../../../signaling/wire/schema/viop.v1.json'
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

type Definition = keyof typeof schema.$defs

/** What keeps value from being an instance of the named definition, or null. */
export function problemOf(name: Definition, value: unknown): string | null {
  return check(definition(`#/$defs/${name}`), value, '$')
}

type Node = { readonly [key: string]: unknown }

function definition(ref: string): Node {
  const name = ref.slice('#/$defs/'.length)
  const found = Object.entries(schema.$defs).find(([key]) => key === name)?.[1]
  if (!isObject(found)) throw new Error(`schema: no ${ref}`)
  return found
}

function isObject(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// check covers the keywords that viop.v1.json uses and no others; the test
// fails when the schema grows one that is not known here.
function check(node: Node, value: unknown, at: string): string | null {
  if (typeof node.$ref === 'string') return check(definition(node.$ref), value, at)
  if (Array.isArray(node.oneOf)) return checkOneOf(node.oneOf.filter(isObject), value, at)
  if ('const' in node && value !== node.const) return `${at}: not ${String(node.const)}`
  if (Array.isArray(node.enum) && !node.enum.includes(value)) return `${at}: not a known word`
  switch (node.type) {
    case 'object':
      return checkObject(node, value, at)
    case 'array':
      return checkArray(node, value, at)
    case 'string':
      return checkString(node, value, at)
    case 'integer':
      return checkInteger(node, value, at)
    case 'boolean':
      return typeof value === 'boolean' ? null : `${at}: not a boolean`
    default:
      return null
  }
}

function checkOneOf(options: Node[], value: unknown, at: string): string | null {
  const type = isObject(value) ? value.t : undefined
  const option = options.find((o) => {
    const t = isObject(o.properties) ? o.properties.t : undefined
    return isObject(t) && t.const === type
  })
  return option ? check(option, value, at) : `${at}.t: unknown type`
}

function checkObject(node: Node, value: unknown, at: string): string | null {
  if (!isObject(value)) return `${at}: not an object`
  for (const key of Array.isArray(node.required) ? node.required : []) {
    if (!(String(key) in value)) return `${at}.${key}: missing`
  }
  for (const [key, sub] of Object.entries(isObject(node.properties) ? node.properties : {})) {
    if (!(key in value) || !isObject(sub)) continue
    const problem = check(sub, value[key], `${at}.${key}`)
    if (problem) return problem
  }
  return null
}

function checkArray(node: Node, value: unknown, at: string): string | null {
  if (!Array.isArray(value)) return `${at}: not an array`
  if (typeof node.maxItems === 'number' && value.length > node.maxItems) return `${at}: too many`
  if (!isObject(node.items)) return null
  for (const [i, item] of value.entries()) {
    const problem = check(node.items, item, `${at}[${i}]`)
    if (problem) return problem
  }
  return null
}

function checkString(node: Node, value: unknown, at: string): string | null {
  if (typeof value !== 'string') return `${at}: not a string`
  // JSON Schema counts characters, not UTF-16 units.
  if (
    typeof node.maxLength === 'number' &&
    value.length > node.maxLength &&
    [...value].length > node.maxLength
  )
    return `${at}: too long`
  if (typeof node.pattern === 'string' && !new RegExp(node.pattern, 'u').test(value))
    return `${at}: malformed`
  return null
}

function checkInteger(node: Node, value: unknown, at: string): string | null {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return `${at}: not an integer`
  if (typeof node.minimum === 'number' && value < node.minimum) return `${at}: too small`
  if (typeof node.maximum === 'number' && value > node.maximum) return `${at}: too large`
  return null
}
