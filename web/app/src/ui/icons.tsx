// The icons, drawn here so that the page asks nobody else for them. They are
// always beside or under a text, or in a control that has a name.

const paths = {
  mic: 'M12 15a3.5 3.5 0 0 0 3.5-3.5v-5a3.5 3.5 0 0 0-7 0v5A3.5 3.5 0 0 0 12 15Zm-6.5-4a6.5 6.5 0 0 0 13 0M12 17.5V21',
  micOff:
    'M4 4l16 16M15.5 11.5v-5a3.5 3.5 0 0 0-6.8-1.2M8.5 8.500v3a3.5 3.5 0 0 0 5.2 3.050M5.5 11a6.5 6.5 0 0 0 10.3 5.300M18.5 11a6.4 6.4 0 0 1-.5 2.500M12 17.500V21',
  camera:
    'M3.5 7.500a2 2 0 0 1 2-2h7a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-9Zm11 3 6-3.500v10l-6-3.5',
  cameraOff:
    'M4 4l16 16M9 5.500h3.500a2 2 0 0 1 2 2V11l6-4v9.500M14.5 15v1.500a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-9c0-.8.5-1.5 1.2-1.85',
  hand: 'M8 12.500V6a1.5 1.5 0 0 1 3 0v5m0-.5V4.500a1.5 1.5 0 0 1 3 0V11m0-4.500a1.5 1.5 0 0 1 3 0V14c0 4-2 6.5-5.5 6.5-3 0-4.3-1.5-5.7-4L4.3 13.600a1.5 1.5 0 0 1 2.5-1.600L8 13.5',
  help: 'M12 20.500s-7.5-4.3-7.5-10A4.2 4.2 0 0 1 12 7.700a4.2 4.2 0 0 1 7.5 2.800c0 5.7-7.5 10-7.5 10Z',
  screen: 'M4.5 5h15a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-15a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM8.5 20h7M12 16v4',
  leave: 'M10 4.500H6a1.5 1.5 0 0 0-1.5 1.500v12A1.5 1.5 0 0 0 6 19.500h4M15 8l4 4-4 4M19 12H9.5',
  people:
    'M9 11.500a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.500ZM3 19c.4-3.2 2.8-5 6-5s5.6 1.8 6 5M16 5.500a3 3 0 0 1 0 5.700M18 14.500c1.8.7 2.8 2.2 3 4.5',
  lock: 'M6.5 11h11a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1ZM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  pause: 'M9 6v12M15 6v12',
  check: 'M5 12.500l4.5 4.500L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  chevron: 'M8 10l4 4 4-4',
  sound: 'M4 10v4h3.500L12 18V6L7.5 10H4ZM15.5 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11',
  phone:
    'M7 4.500h2.500l1.3 4-2 1.500a11 11 0 0 0 5.2 5.200l1.5-2 4 1.300V17a2.5 2.5 0 0 1-2.7 2.500C10.5 19 5 13.5 4.5 7.200A2.5 2.5 0 0 1 7 4.500Z',
  link: 'M4.5 9.500a11 11 0 0 1 15 0M7.5 13a6.5 6.5 0 0 1 9 0M12 17.500h.01',
  wave: 'M5 10v4M9 7v10M13 9v6M17 5v14',
  info: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 11v5M12 8h.01',
  stop: 'M7 7h10v10H7z',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
