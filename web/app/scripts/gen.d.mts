/** What src/wire.gen.ts has to hold. */
export function generate(): Promise<string>
