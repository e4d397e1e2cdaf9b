// Accessibility of the page as it stands: what axe-core finds for WCAG 2.2 AA,
// and what it does not look at.
import axePlaywright from '@axe-core/playwright'

const AxeBuilder = axePlaywright.default ?? axePlaywright
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** One line for each fault; a Playwright page of `browser.newContext()`. */
export async function faults(page) {
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze()
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} (${v.help})`))
}

/** Pixels by which the page can be scrolled sideways; 0 is right. */
export function sideways(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}
