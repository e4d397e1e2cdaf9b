// Decides whether a value is what a JSON Schema says, for the edges of the
// page: `unknown` comes in, typed data goes on. It covers the keywords that
// the protocol and the API use and no others; tests of both fail when a schema
// grows one that is not in `keywords`. Fields that nobody named are let pass,
// so that a newer server can say more.

type Node = { readonly [key: string]: unknown }

/** The keywords that are checked, or that say nothing about what is valid. */
export const keywords: ReadonlySet<string> = new Set([
  ...['$ref', '$schema', '$id', '$defs', 'title', 'description', 'default', 'format', 'readOnly'],
  ...['oneOf', 'const', 'enum', 'type', 'properties', 'required', 'additionalProperties'],
  ...['items', 'minItems', 'maxItems', 'uniqueItems'],
  ...['minLength', 'maxLength', 'pattern', 'minimum', 'maximum'],
])

/** What keeps value from being an instance of the named definition, or null. It names the place, never the content. */
export type Problem = (name: string, value: unknown) => string | null

/** Checks values against the definitions under `$defs`. */
export function createCheck(definitions: Node): Problem {
  function definition(ref: string): Node {
    const name = ref.slice('#/$defs/'.length)
    const found = Object.entries(definitions).find(([key]) => key === name)?.[1]
    if (!isObject(found)) throw new Error(`schema: no ${ref}`)
    return found
  }

  function check(node: Node, value: unknown, at: string): string | null {
    if (typeof node.$ref === 'string') return check(definition(node.$ref), value, at)
    if (Array.isArray(node.oneOf)) return checkOneOf(node.oneOf.filter(isObject), value, at)
    if ('const' in node && value !== node.const) return `${at}: not ${String(node.const)}`
    if (Array.isArray(node.enum) && !node.enum.includes(value)) return `${at}: not a known word`
    const types = Array.isArray(node.type) ? node.type : [node.type]
    return types.includes('null') && value === null ? null : checkType(node, types[0], value, at)
  }

  function checkType(node: Node, type: unknown, value: unknown, at: string): string | null {
    switch (type) {
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
      case 'null':
        return value === null ? null : `${at}: not null`
      default:
        return null
    }
  }

  // Messages are told apart by their `t`; without it, one option has to fit.
  function checkOneOf(options: Node[], value: unknown, at: string): string | null {
    if (!options.some((o) => typeOf(definitionOf(o)) !== undefined)) {
      const problems = options.map((o) => check(o, value, at))
      return problems.includes(null) ? null : (problems[0] ?? null)
    }
    const type = isObject(value) ? value.t : undefined
    const option = options.find((o) => typeOf(definitionOf(o)) === type)
    return option ? check(option, value, at) : `${at}.t: unknown type`
  }

  const definitionOf = (node: Node): Node => (typeof node.$ref === 'string' ? definition(node.$ref) : node)

  function checkObject(node: Node, value: unknown, at: string): string | null {
    if (!isObject(value)) return `${at}: not an object`
    for (const key of Array.isArray(node.required) ? node.required : []) {
      if (!(String(key) in value)) return `${at}.${key}: missing`
    }
    const properties = isObject(node.properties) ? node.properties : {}
    for (const [key, sub] of Object.entries(properties)) {
      if (!(key in value) || !isObject(sub)) continue
      const problem = check(sub, value[key], `${at}.${key}`)
      if (problem) return problem
    }
    if (!isObject(node.additionalProperties)) return null
    for (const [key, inner] of Object.entries(value)) {
      if (key in properties) continue
      const problem = check(node.additionalProperties, inner, `${at}.*`)
      if (problem) return problem
    }
    return null
  }

  function checkArray(node: Node, value: unknown, at: string): string | null {
    if (!Array.isArray(value)) return `${at}: not an array`
    if (typeof node.maxItems === 'number' && value.length > node.maxItems) return `${at}: too many`
    if (typeof node.minItems === 'number' && value.length < node.minItems) return `${at}: too few`
    if (!isObject(node.items)) return null
    for (const [i, item] of value.entries()) {
      const problem = check(node.items, item, `${at}[${i}]`)
      if (problem) return problem
    }
    return null
  }

  return (name, value) => check(definition(`#/$defs/${name}`), value, '$')
}

function isObject(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function typeOf(node: Node): unknown {
  const t = isObject(node.properties) ? node.properties.t : undefined
  return isObject(t) ? t.const : undefined
}

function checkString(node: Node, value: unknown, at: string): string | null {
  if (typeof value !== 'string') return `${at}: not a string`
  // JSON Schema counts characters, not UTF-16 units.
  const length = value.length
  if (typeof node.maxLength === 'number' && length > node.maxLength && [...value].length > node.maxLength)
    return `${at}: too long`
  if (typeof node.minLength === 'number' && length < node.minLength) return `${at}: too short`
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

/** The keywords of a schema that `createCheck` does not know, for the tests. */
export function unknownKeywords(schema: unknown): string[] {
  const unknown = new Set<string>()
  const walk = (node: unknown, inNames: boolean): void => {
    if (Array.isArray(node)) {
      for (const n of node) walk(n, false)
    } else if (isObject(node)) {
      for (const [key, value] of Object.entries(node)) {
        if (!inNames && !keywords.has(key)) unknown.add(key)
        if (key !== 'enum') walk(value, !inNames && (key === 'properties' || key === '$defs'))
      }
    }
  }
  walk(schema, false)
  return [...unknown]
}
