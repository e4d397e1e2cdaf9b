/** What the generated files under src have to hold, by name. */
export function generate(): Promise<{ readonly [name: string]: string }>
