import { describe, expect, it } from 'vitest'
import { fit } from './layout'

const laptop = { width: 1260, height: 640 }
const phone = { width: 378, height: 490 }
const gap = 8

describe('fit', () => {
  for (const [name, { width, height }] of Object.entries({ laptop, phone })) {
    it(`shows up to 12 on a ${name} without scrolling, inside the room there is`, () => {
      for (let count = 1; count <= 12; count++) {
        const f = fit(count, width, height, gap)
        const rows = Math.ceil(count / f.columns)
        expect(f.scrolls).toBe(false)
        expect(f.columns * f.width + (f.columns - 1) * gap).toBeLessThanOrEqual(width)
        expect(rows * f.height + (rows - 1) * gap).toBeLessThanOrEqual(height)
        const shape = f.width / f.height
        expect(shape).toBeGreaterThan(0.95)
        expect(shape).toBeLessThan(1.85)
      }
    })
  }

  it('puts 12 on a laptop in four columns', () => {
    expect(fit(12, laptop.width, laptop.height, gap).columns).toBe(4)
  })

  it('scrolls rather than showing faces nobody can read', () => {
    const f = fit(40, phone.width, phone.height, gap)
    expect(f.scrolls).toBe(true)
    expect(f.width).toBeGreaterThanOrEqual(104)
    expect(f.columns * f.width + (f.columns - 1) * gap).toBeLessThanOrEqual(phone.width)
  })

  it('survives a place without any size', () => {
    expect(fit(3, 0, 0, gap).width).toBe(0)
    expect(fit(0, 300, 300, gap).columns).toBeGreaterThan(0)
  })
})
