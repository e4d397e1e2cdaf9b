// Generates src/wire.gen.ts from the schema of the protocol. `--check` writes
// nothing and fails when the committed file is not what would be written.
import { readFile, writeFile } from 'node:fs/promises'
import { compile } from 'json-schema-to-typescript'

const schemaURL = new URL('../../../signaling/wire/schema/viop.v1.json', import.meta.url)
const outURL = new URL('../src/wire.gen.ts', import.meta.url)

export async function generate() {
  const schema = JSON.parse(await readFile(schemaURL, 'utf8'))
  return compile(schema, 'ViopV1', {
    additionalProperties: false, // unknown fields are ignored, not typed
    ignoreMinAndMaxItems: true,
    bannerComment: '// Generated from signaling/wire/schema/viop.v1.json by `npm run gen`. Do not edit.',
  })
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const want = await generate()
  if (process.argv.includes('--check')) {
    if ((await readFile(outURL, 'utf8')) !== want) {
      console.error('src/wire.gen.ts is stale: npm run gen')
      process.exit(1)
    }
  } else {
    await writeFile(outURL, want)
  }
}
