// How loud a microphone is, for the device test: a level from 0 to 1 about
// ten times a second, until the returned function is called.

export function meter(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  const context = new AudioContext()
  const source = context.createMediaStreamSource(new MediaStream([track]))
  const analyser = context.createAnalyser()
  analyser.fftSize = 1024
  source.connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples)
    onLevel(level(samples))
  }, 100)
  return () => {
    clearInterval(timer)
    context.close().catch(() => {}) // already closed: nothing to do
  }
}

/** Root mean square on a scale people can read: -60 dB is 0, -10 dB is 1. */
export function level(samples: Float32Array): number {
  let sum = 0
  for (const s of samples) sum += s * s
  const decibels = 10 * Math.log10(sum / samples.length || 1e-12)
  return Math.min(1, Math.max(0, (decibels + 60) / 50))
}

/** Two soft notes through the chosen speaker. */
export async function playTestSound(speaker: string): Promise<void> {
  const context = new AudioContext()
  const out = context.createMediaStreamDestination()
  for (const [i, frequency] of [523.25, 659.25].entries()) {
    const tone = context.createOscillator()
    const gain = context.createGain()
    const from = context.currentTime + 0.1 + i * 0.35
    tone.frequency.value = frequency
    gain.gain.setValueAtTime(0, from)
    gain.gain.linearRampToValueAtTime(0.2, from + 0.05)
    gain.gain.exponentialRampToValueAtTime(0.001, from + 0.6)
    tone.connect(gain).connect(out)
    tone.start(from)
    tone.stop(from + 0.7)
  }
  const player = new Audio()
  player.srcObject = out.stream
  if (speaker && 'setSinkId' in player) await player.setSinkId(speaker)
  await player.play()
  setTimeout(() => context.close().catch(() => {}), 1500)
}
