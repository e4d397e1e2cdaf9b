// Accessibility of the page as it stands: what axe-core finds for WCAG 2.2 AA,
// and what it does not look at.
import axePlaywright from '@axe-core/playwright'

const AxeBuilder = axePlaywright.default ?? axePlaywright
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** One line for each fault; a Playwright page of `browser.newContext()`. */
export function faults(page) {
  return found(new AxeBuilder({ page }).withTags(tags))
}

/** The same of a page that was free of faults before it became dark, where only colours have changed. */
export async function faultsInTheDark(page) {
  await page.emulateMedia({ colorScheme: 'dark' })
  return found(new AxeBuilder({ page }).withRules(['color-contrast', 'link-in-text-block']))
}

// What is called legacy looks at the page itself and at no frames of other
// origins, of which there are none here; else each look opens a page of its own.
async function found(builder) {
  const { violations } = await builder.setLegacyMode(true).analyze()
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} (${v.help})`))
}

/** Pixels by which the page can be scrolled sideways; 0 is right. */
export function sideways(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}
